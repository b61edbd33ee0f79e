// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process, a mapping and the machine. For subjects:
// raw reads into fixed buffers, so that measuring adds no fault after warm-up.
#pragma once

#include <cstdint>

#include "oomgate/memory.h"
#include "oomgate/model/units.h"

namespace oomgate {

// Of the calling process.
struct Usage {
  std::int64_t minor_faults = 0;  // getrusage: exact
  Bytes page_tables;              // VmPTE: exact, all levels but the top
};
Usage ReadUsage();

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

// Size of all `ac` mappings of all processes: what private memory is charged
// for. Exact where nothing else runs.
Bytes AccountedOfAll();

// One field of /proc/meminfo ("CommitLimit"); -1 B where it is not there.
Bytes Meminfo(const char* field);
// One counter of /proc/vmstat ("thp_split_pmd"); -1 where it is not there.
std::int64_t Vmstat(const char* counter);
// The number that a file begins with, 0 where it begins with none ("max"); -1
// where it cannot be read.
std::int64_t NumberIn(const char* path);
// A field of one NUMA node's meminfo ("MemFree").
Bytes NodeMeminfo(int node, const char* field);

// Folds per-CPU counters so that /proc/meminfo is exact (root only).
void RefreshVmstat();

}  // namespace oomgate
