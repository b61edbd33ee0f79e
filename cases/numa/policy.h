// SPDX-License-Identifier: Apache-2.0
// Memory policies as system calls, for the cases of this folder.
#pragma once

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate::numa {

// Old headers lack them.
inline constexpr int kPreferredMany = 5;
inline constexpr int kWeightedInterleave = 6;

inline constexpr unsigned long kNode0 = 1;
inline constexpr unsigned long kNode1 = 2;
inline constexpr unsigned long kBoth = 3;

// 0, or errno.
inline int SetPolicy(int mode, unsigned long nodes) {
  return syscall(SYS_set_mempolicy, mode, &nodes, 64UL) == 0 ? 0 : errno;
}

inline int BindRange(const Range& range, int mode, unsigned long nodes,
                     unsigned flags = 0) {
  return syscall(SYS_mbind, range.start, range.size.count, mode, &nodes, 64UL,
                 flags) == 0
             ? 0
             : errno;
}

// The shape that all cases of this folder share: their boots are few.
inline Needs TwoNodes() {
  return {.memory = 512_MiB, .cpus = 2, .nodes = 2, .alone = true};
}

}  // namespace oomgate::numa
