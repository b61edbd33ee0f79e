// SPDX-License-Identifier: Apache-2.0
// What a guest can swap on, and the kernel modules that it takes.
#pragma once

#include <vector>

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

}  // namespace oomgate
