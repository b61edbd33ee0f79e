// SPDX-License-Identifier: Apache-2.0
// Kernel modules on their way into a guest: with all they depend on, in load
// order, decompressed, so that the guest needs nothing but finit_module(2).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/kernel/kernel.h"

namespace oomgate {

// A module file as the guest loads it: decompressed.
struct Module {
  std::string name;  // "virtio_blk"
  std::string bytes;
};

// `names` and all they depend on, in load order; those built in left out.
// Throws UserError, naming the kernel, where one is neither module nor built
// in.
std::vector<Module> LoadModules(const Kernel& kernel,
                                const std::vector<std::string>& names);

// "drivers/block/virtio-blk.ko.xz" -> "virtio_blk"; "" where it is no module.
std::string ModuleName(const std::filesystem::path& file);

// Whether a module, by its path below "kernel/", can be of any use in a guest.
// The others (network, graphics, sound …) are most of a distribution's tree.
bool IsForGuests(const std::string& path);

}  // namespace oomgate
