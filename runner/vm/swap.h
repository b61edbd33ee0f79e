// SPDX-License-Identifier: Apache-2.0
// What a guest can swap on, and the kernel modules that it takes.
#pragma once

#include <filesystem>
#include <vector>

#include "oomgate/model/units.h"
#include "runner/kernel/kernel.h"
#include "runner/kernel/store.h"

namespace oomgate {

enum class SwapKind {
  kVirtio,  // a disk: pages leave the guest's RAM
  kZram,    // compressed in the guest's RAM: needs no device, deterministic
};

// In load order; none where all is built in. Throws UserError, naming the
// kernel, where it has no driver for it.
std::vector<Module> LoadSwapModules(const Kernel& kernel, SwapKind kind);

// Its space is taken from the start: a guest whose disk is full on the host is
// stopped by QEMU, which looks like a kernel that hangs. Throws UserError.
void MakeDisk(const std::filesystem::path& path, Bytes size);

}  // namespace oomgate
