// SPDX-License-Identifier: Apache-2.0
// Where what can be made again is kept: kernels, templates, answers.
#pragma once

#include <filesystem>

namespace oomgate {

// $XDG_CACHE_HOME/oomgate, else ~/.cache/oomgate; relative paths are ignored,
// as the XDG specification wants. Throws UserError where there is neither.
std::filesystem::path CacheFolder();

}  // namespace oomgate
