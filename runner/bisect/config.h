// SPDX-License-Identifier: Apache-2.0
// Which options of a kernel's configuration change what a case does.
#pragma once

#include <string>

#include "runner/bisect/search.h"

namespace oomgate {

struct ConfigSearchOptions : SearchOptions {
  std::string good;  // .config files
  std::string bad;
  std::string source;  // the kernel's tree, clean: objects go elsewhere
  int build_seconds = 7200;
};

// The smallest set found is told on stdout. Throws Interrupted, UserError,
// HarnessError.
void BisectConfig(const ConfigSearchOptions& options);

}  // namespace oomgate
