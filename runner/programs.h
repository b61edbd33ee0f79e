// SPDX-License-Identifier: Apache-2.0
// Where the programs that run inside stand.
#pragma once

#include <filesystem>
#include <string>

namespace oomgate {

struct Programs {
  std::string cases;  // oomgate-cases
  std::string init;   // oomgate-init
  // oomgate-profile.so, which QEMU loads; "" where it is missing.
  std::string profiler = {};
};

// All stand beside `oomgate` in a build tree, else in ../libexec/oomgate;
// $OOMGATE_LIBEXEC names another folder. Throws UserError with where it looked.
Programs FindPrograms();

// The same for an `oomgate` that stands in `folder`.
Programs FindPrograms(const std::filesystem::path& folder,
                      const char* override_folder);

}  // namespace oomgate
