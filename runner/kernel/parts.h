// SPDX-License-Identifier: Apache-2.0
// Which files belong to one kernel: in a root file system or an unpacked
// package, in a build tree, and beside an image.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace oomgate {

struct KernelParts {
  std::filesystem::path image;
  std::filesystem::path config;   // or empty
  std::filesystem::path builtin;  // modules.builtin, or empty
  // Module files, by their path below "kernel/".
  std::map<std::string, std::filesystem::path> modules;
};

// A folder with boot/vmlinuz-RELEASE or [usr/]lib/modules/RELEASE/vmlinuz, or
// with images themselves. Throws UserError, which calls it `name`, unless there
// is exactly one kernel.
KernelParts PartsInRoot(const std::filesystem::path& root,
                        const std::string& name);

bool IsBuildTree(const std::filesystem::path& folder);
// Throws UserError where nothing was built there.
KernelParts PartsInBuildTree(const std::filesystem::path& tree);

// What lies beside an image in the places that distributions and `make` use.
KernelParts PartsBeside(const std::filesystem::path& image,
                        const std::string& release);

}  // namespace oomgate
