// SPDX-License-Identifier: Apache-2.0
// The kernel modules that a guest's swap takes.
#include "runner/vm/swap.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

void MakeDisk(const std::filesystem::path& path, Bytes size) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                        S_IRUSR | S_IWUSR);
  int cause = 0;
  if (fd < 0 || ::ftruncate(fd, size.count) != 0) cause = errno;
  if (cause == 0 && ::fallocate(fd, 0, 0, size.count) != 0 &&
      (errno == ENOSPC || errno == EDQUOT)) {
    cause = errno;  // other file systems just cannot promise
  }
  if (fd >= 0) ::close(fd);
  if (cause == 0) return;
  throw UserError(path.string() + ": cannot make a disk of " + ToText(size) +
                  ": " + std::strerror(cause) +
                  "; free some space there, or name another folder with "
                  "--results");
}

}  // namespace oomgate
