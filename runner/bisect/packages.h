// SPDX-License-Identifier: Apache-2.0
// Between which two of the distribution's kernels a case changed.
#pragma once

#include <string>

#include "runner/bisect/search.h"

namespace oomgate {

// `good`, `bad`: debian:6.1, debian:newest, …, in any order of age. What was
// found is told on stdout. Throws Interrupted, UserError, HarnessError.
void BisectPackages(const SearchOptions& options, const std::string& good,
                    const std::string& bad);

}  // namespace oomgate
