// SPDX-License-Identifier: Apache-2.0
// Memory policies as system calls, and pages under them, for the cases of this
// folder.
#pragma once

#include <linux/mempolicy.h>

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
  return ErrnoOf(syscall(SYS_set_mempolicy, mode, &nodes, 64UL));
}

inline int BindRange(const Range& range, int mode, unsigned long nodes,
                     unsigned flags = 0) {
  return ErrnoOf(syscall(SYS_mbind, range.start, range.size.count, mode, &nodes,
                         64UL, flags));
}

// The node of a page, by move_pages(2) that moves nothing, or -errno.
inline int Where(const void* page) {
  void* at[] = {const_cast<void*>(page)};
  int status[] = {-9999};
  const long rc = syscall(SYS_move_pages, 0, 1L, at, nullptr, status, 0);
  return rc < 0 ? -errno : status[0];
}

// move_pages(2) of a range, of at most 64 MiB; how many pages are on `node` by
// its statuses, or -errno.
inline int MovePages(const Range& range, int node, int flags = MPOL_MF_MOVE,
                     bool ask_only = false) {
  constexpr int kMost = 64_MiB / kPage;
  static void* at[kMost];
  static int nodes[kMost];
  static int status[kMost];
  const long pages = range.size / kPage;
  for (long i = 0; i < pages; ++i) {
    at[i] = range.start + i * kPage.count;
    nodes[i] = node;
    status[i] = -1;
  }
  if (syscall(SYS_move_pages, 0, pages, at, ask_only ? nullptr : nodes, status,
              flags) < 0) {
    return -errno;
  }
  return static_cast<int>(std::count(status, status + pages, node));
}

// The same without moving any: how many of them are there, asked at once.
inline int CountPages(const Range& range, int node) {
  return MovePages(range, node, 0, true);
}

// Moves all of them. A page that somebody looks at in that moment stays: once
// more.
inline void MoveAll(const Range& range, int node, int flags = MPOL_MF_MOVE) {
  for (int tries = 5;
       tries > 0 && PagesOnNode(range, node) < range.size / kPage; --tries) {
    MovePages(range, node, flags);
  }
}

// Pages of a case, new ones in most of its steps.
struct Placing : Scene {
  Range range = {};

  // Instead of those of the step before.
  const Range& Renew(const Range& next) {
    if (range.start != nullptr) Unmap(trace, range);
    return range = next;
  }
  // Writes new ones under a policy of their own, or of the process: 0 or errno.
  int WriteBound(const Range& next, int mode, unsigned long nodes,
                 Bytes stride = kPage) {
    const int error = BindRange(Renew(next), mode, nodes);
    WritePages(trace, range, stride);
    return error;
  }
  int WriteUnder(const Range& next, int mode, unsigned long nodes) {
    Renew(next);
    const int error = SetPolicy(mode, nodes);
    WritePages(trace, range);
    SetPolicy(MPOL_DEFAULT, 0);
    return error;
  }
};

// How many of them each node has.
template <typename S = Placing>
Row<S> ByNode(testing::Matcher<std::int64_t> node0,
              testing::Matcher<std::int64_t> node1) {
  const auto on = [](int node) {
    return [node](const S& s) { return PagesOnNode(s.range, node); };
  };
  return Rows<S>{{"node0", on(0), node0}, {"node1", on(1), node1}};
}

// A counter of /proc/vmstat, for readings.
inline auto Event(const char* name) {
  return [=] { return Vmstat(name); };
}

// A new cpuset of these nodes, with the calling process in it.
inline Group EnterCpuset(Trace& trace, const char* name, const char* nodes) {
  const Group root("/sys/fs/cgroup");
  root.Set(trace, "cgroup.subtree_control", "+cpuset");
  const Group cpuset = root.Child(trace, name);
  cpuset.Set(trace, "cpuset.mems", nodes);
  cpuset.Enter(trace);
  return cpuset;
}

// The shape that all cases of this folder share: their boots are few.
inline Needs TwoNodes() {
  return {.memory = 512_MiB, .cpus = 2, .nodes = 2, .alone = true};
}

}  // namespace oomgate::numa
