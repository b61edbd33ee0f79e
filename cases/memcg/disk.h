// SPDX-License-Identifier: Apache-2.0
// File pages of the scratch disk, for cases about who is charged for them.
#pragma once

#include "oomgate/case.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {

// The scratch disk, with none of its pages in memory. The last to close a disk
// drops them: whoever keeps this open is not the child that reads it.
inline int OpenDisk(Trace& trace) {
  const int disk = Must(trace, "open of the scratch disk",
                        open(kScratchDisk, O_RDONLY | O_CLOEXEC));
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  return disk;
}

// Where only the pages of the disk can be reclaimed.
inline Needs DiskWithoutSwap() {
  return {.memory = 64_MiB,
          .no_swap = true,
          .cgroup = 2,
          .alone = true,
          .disk = 64_MiB};
}

// An act: a member reads so much of it, from there on. Sets "status", of
// wait(2).
template <typename S, typename G>
auto ReadIn(G S::*group, Bytes from, Bytes size) {
  return [=](S& s) {
    s.Set("status", RunChildIn(s.trace, s.*group,
                               [&] { ReadDisk(s.trace, from, size); }));
  };
}

}  // namespace oomgate
