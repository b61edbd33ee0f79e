// SPDX-License-Identifier: Apache-2.0
// Which of the settings that differ between a good and a bad set change what a
// case does.
#pragma once

#include <string>

#include "runner/bisect/search.h"

namespace oomgate {

// For each of the instances: the smallest set found is told on stdout. Of
// several, each has a folder of its own below `options.run.results`. Throws
// Interrupted, UserError, HarnessError.
void BisectSettings(const SearchOptions& options, const std::string& good,
                    const std::string& bad);

}  // namespace oomgate
