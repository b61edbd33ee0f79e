// SPDX-License-Identifier: Apache-2.0
// The kernel modules that a guest's swap takes.
#include "runner/vm/swap.h"

#include "runner/error.h"

namespace oomgate {

std::vector<Module> LoadSwapModules(const Kernel& kernel, SwapKind kind) {
  if (kind == SwapKind::kVirtio) {
    return LoadModules(kernel, {"virtio_pci", "virtio_blk"});
  }
  // zram compresses by lzo-rle. Before 6.12 it asks the crypto layer for it by
  // name, which no dependency tells; later it brings its own.
  try {
    return LoadModules(kernel, {"lzo_rle", "zram"});
  } catch (const UserError&) {
    return LoadModules(kernel, {"zram"});
  }
}

}  // namespace oomgate
