// SPDX-License-Identifier: Apache-2.0
// Where what can be made again is kept.
#include "runner/cache_folder.h"

#include <cstdlib>

#include "runner/error.h"

namespace oomgate {

std::filesystem::path CacheFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') {
    return std::filesystem::path(cache) / "oomgate";
  }
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') {
    return std::filesystem::path(home) / ".cache/oomgate";
  }
  throw UserError("no place for a cache: set XDG_CACHE_HOME (or HOME)");
}

}  // namespace oomgate
