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

// The node of a page, by move_pages(2) that moves nothing, or -errno.
inline int Where(const void* page) {
  void* at[] = {const_cast<void*>(page)};
  int status[] = {-9999};
  const long rc = syscall(SYS_move_pages, 0, 1L, at, nullptr, status, 0);
  return rc < 0 ? -errno : status[0];
}

// move_pages(2) of the first `pages` of a range, at most kMost; how many are on
// `node` by its statuses, or -errno.
template <int kMost>
int MovePages(const Range& range, int pages, int node, int flags = MPOL_MF_MOVE,
              bool ask_only = false) {
  static void* at[kMost];
  static int nodes[kMost];
  static int status[kMost];
  for (int i = 0; i < pages; ++i) {
    at[i] = range.start + i * kPage.count;
    nodes[i] = node;
    status[i] = -1;
  }
  if (syscall(SYS_move_pages, 0, static_cast<long>(pages), at,
              ask_only ? nullptr : nodes, status, flags) < 0) {
    return -errno;
  }
  int there = 0;
  for (int i = 0; i < pages; ++i) there += status[i] == node ? 1 : 0;
  return there;
}

// The same without moving any: how many of them are there, asked at once.
template <int kMost>
int CountPages(const Range& range, int pages, int node) {
  return MovePages<kMost>(range, pages, node, 0, true);
}

// The shape that all cases of this folder share: their boots are few.
inline Needs TwoNodes() {
  return {.memory = 512_MiB, .cpus = 2, .nodes = 2, .alone = true};
}

}  // namespace oomgate::numa
