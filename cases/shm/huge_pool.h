// SPDX-License-Identifier: Apache-2.0
// The pool of huge pages of 2 MiB, which the case has to itself.
#pragma once

#include "oomgate/case.h"

namespace oomgate::shm {

inline constexpr int kOfPool = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;

// So many pages of it, promised unless a flag is MAP_NORESERVE.
inline Range MapOfPool(Trace& trace, int pages, int flags = 0) {
  return MapBare(trace, pages * kHugePage, PROT_READ | PROT_WRITE,
                 kOfPool | flags);
}

// An act: makes the pool that large.
inline auto SetPool(int pages) {
  return [=] { return kVmKnobs.Write("nr_hugepages", pages); };
}

// A reading, in pages: HugePages_Total, _Free, _Rsvd (promised), _Surp (above
// what the pool should have).
inline auto InPool(const char* field) {
  return [=] { return FieldIn("/proc/meminfo", field); };
}

}  // namespace oomgate::shm
