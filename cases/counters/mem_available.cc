// SPDX-License-Identifier: Apache-2.0
// MemAvailable is what the kernel's formula says: free memory less the reserves
// of all zones, plus what of the page cache and slab may be reclaimed.
#include <algorithm>

#include "cases/counters/zoneinfo.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kFile = 32_MiB;
constexpr int kTries = 20;

struct Reserves {
  std::int64_t low = 0;    // all low watermarks, in pages
  std::int64_t total = 0;  // what each zone keeps back: totalreserve_pages
};

// From /proc/zoneinfo, by mm/page_alloc.c, calculate_totalreserve_pages.
Reserves ReadReserves(Trace& trace) {
  Reserves all;
  static Zone zones[kMostZones];
  const int count = ReadZones(trace, zones);
  for (int i = 0; i < count; ++i) {
    const Zone& zone = zones[i];
    all.low += zone.low;
    // A boost is for a while, and counts for the low ones only.
    all.total += std::min(
        *std::ranges::max_element(zone.protection) + zone.high - zone.boost,
        zone.managed);
  }
  return all;
}

// Not what shmem, ramfs and the initramfs are made of: that cannot be dropped.
Bytes FilePages() {
  return Meminfo("Active(file)") + Meminfo("Inactive(file)");
}

// What MemAvailable should be; -1 B where memory moved meanwhile.
Bytes Computed(const Reserves& reserves) {
  const Bytes free = Meminfo("MemFree");
  const auto usable = [&](Bytes size) {
    return size - std::min(size / 2, reserves.low * kPage);
  };
  Bytes reclaimable = Meminfo("KReclaimable");
  if (reclaimable < 0_B) reclaimable = Meminfo("SReclaimable");
  return free - reserves.total * kPage + usable(FilePages()) +
         usable(reclaimable);
}

// The least difference seen: between two reads pages come and go.
Bytes Difference(const Reserves& reserves) {
  Bytes least = 1_TiB;
  for (int i = 0; i < kTries; ++i) {
    RefreshVmstat();
    const Bytes before = Computed(reserves);
    const Bytes told = Meminfo("MemAvailable");
    if (Computed(reserves) != before) continue;
    const Bytes difference = told > before ? told - before : before - told;
    least = std::min(least, difference);
  }
  return least;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Reserves reserves = ReadReserves(trace);
  trace.Set("reserves", reserves.total * kPage);
  trace.Set("low", reserves.low * kPage);
  trace.Set("start", Difference(reserves));
  // Its pages stay for as long as somebody has it open.
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  const Bytes before = FilePages();
  ReadDisk(trace, 0_B, kFile);
  trace.Set("file", Difference(reserves));
  trace.Set("file_pages", FilePages() - before);
  close(disk);
  const Range range = MapAnonymous(trace, kFile);
  WritePages(trace, range);
  trace.Set("anonymous", Difference(reserves));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Size("reserves", Gt(0_B)), Size("start", Le(64_KiB)),
               Size("file", Le(64_KiB)), Size("file_pages", Ge(kFile * 3 / 4)),
               Size("anonymous", Le(64_KiB)));
}

const Register kMemAvailable{
    {.id = "counters/mem_available",
     .summary = "MemAvailable follows its formula, reserves included",
     .explains = {.claim = "Seed 1: reading meminfo; "
                           "Documentation/filesystems/proc.rst, MemAvailable",
                  .deed = "computes it from zoneinfo and meminfo on a fresh "
                          "machine, with 32 MiB of a disk in memory, and with "
                          "written memory",
                  .functions = "si_mem_available, "
                               "calculate_totalreserve_pages",
                  .look_at = "the difference in each of the three states"},
     .needs = {.alone = true, .disk = 64_MiB},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
