// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process, a mapping and the machine. For subjects:
// raw reads into fixed buffers, so that measuring adds no fault after warm-up.
#pragma once

#include <poll.h>

#include <cstdint>

#include "oomgate/knobs.h"
#include "oomgate/memory.h"
#include "oomgate/model/units.h"

namespace oomgate {

// Of the calling process.
struct Usage {
  std::int64_t minor_faults = 0;  // getrusage: exact
  Bytes page_tables;              // VmPTE: exact, all levels but the top
};
Usage ReadUsage();

// Faults in all of this program's code and constants: for cases that count file
// pages, where one that comes later would be counted.
void MapCode();

// Sums over the mappings that overlap a range (/proc/self/smaps): exact walks.
struct MappingUsage {
  int mappings = 0;  // how many VMAs the kernel made of it
  Bytes rss;
  Bytes private_dirty;
  Bytes anon_huge;
  Bytes swap;
  Bytes accounted;  // size of those with the `ac` flag: charged as committed
};
MappingUsage ReadMapping(const Range& range);
// The sum of any one field of the same ("LazyFree", "Pss", "Shared_Clean").
Bytes MappingField(const Range& range, const char* field);
// Whether every mapping that overlaps the range has that flag ("ac", "nr").
bool MappingHasFlag(const Range& range, const char* flag);
// How many pages of the range are in memory, whoever has them there
// (mincore); -errno where the kernel does not say.
std::int64_t ResidentPages(const Range& range);
// Pages of the range on a NUMA node (/proc/self/numa_maps): exact.
std::int64_t PagesOnNode(const Range& range, int node);

// A size in /proc/<pid>/status ("VmRSS", "RssShmem", "VmLck"); 0 is the caller.
Bytes StatusField(const char* field, int pid = 0);

// Sums over all processes. Exact where nothing else runs.
struct AllUsage {
  Bytes accounted;    // size of all `ac` mappings: charged as committed
  Bytes anonymous;    // present, by page-table walk
  Bytes page_tables;  // VmPTE
};
AllUsage ReadAllUsage();

// One field of /proc/meminfo ("CommitLimit"); -1 B where it is not there.
Bytes Meminfo(const char* field);
// One counter of /proc/vmstat ("thp_split_pmd"); -1 where it is not there.
std::int64_t Vmstat(const char* counter);
// The number after a key, in a file of lines "key 123" or "key: 123 kB"
// (memory.stat, memory.events, smaps_rollup); -1 where it is not there.
std::int64_t FieldIn(const char* path, const char* key);
// The number that a file begins with, 0 where it begins with none ("max"); -1
// where it cannot be read.
std::int64_t NumberIn(const char* path);
// What the page allocator keeps on the CPUs' own lists (/proc/zoneinfo).
Bytes PerCpuPages();
// A field of one NUMA node's meminfo ("MemFree").
Bytes NodeMeminfo(int node, const char* field);

// Asks until it holds, for at most that long; whether it did. For counters
// that the kernel folds in a moment later.
template <typename Holds>
bool HoldsWithin(int milliseconds, Holds holds) {
  constexpr int kLook = 5;
  for (int waited = 0;; waited += kLook) {
    if (holds()) return true;
    if (waited >= milliseconds) return false;
    poll(nullptr, 0, kLook);
  }
}

// What `read` gives as soon as that `holds` of it, or after at most that many
// milliseconds. For what is told a moment later: it must hold all the same, so
// expect it of what this gives.
template <typename Read, typename Holds>
auto OnceHolds(int milliseconds, Read read, Holds holds) {
  auto last = read();
  if (holds(last)) return last;
  HoldsWithin(milliseconds, [&] {
    last = read();
    return holds(last);
  });
  return last;
}

// What `read` gives once it has stood still for 100 ms, or after 5 s: page
// tables of who ended before are freed a moment later (by RCU, since 6.14).
template <typename Read>
auto OnceStill(Read read) {
  auto last = read();
  int same = 0;
  HoldsWithin(5000, [&] {
    const auto now = read();
    same = now == last ? same + 1 : 0;
    last = now;
    return same == 20;
  });
  return last;
}

// Folds per-CPU counters so that /proc/meminfo is exact (root only).
void RefreshVmstat();

}  // namespace oomgate
