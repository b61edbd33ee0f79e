// SPDX-License-Identifier: Apache-2.0
// Debian packages, opened without dpkg: any Linux can take a kernel from one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace oomgate {

struct DebControl {
  std::string package;
  std::string version;
  std::string architecture;
};

bool IsDeb(std::string_view bytes);

// `name` is what errors call the package. Both throw UserError where it is
// damaged.
DebControl ReadDebControl(const std::string& name, std::string_view bytes);

// Puts the image, configuration and modules that the package holds into `root`
// as boot/… and lib/modules/… (usr/lib/modules too: both layouts exist).
void ExtractKernelDeb(const std::string& name, std::string_view bytes,
                      const std::filesystem::path& root);

}  // namespace oomgate
