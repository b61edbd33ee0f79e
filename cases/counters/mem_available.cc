// SPDX-License-Identifier: Apache-2.0
// MemAvailable is what the kernel's formula says: free memory less the reserves
// of all zones, plus what of the page cache and slab may be reclaimed.
#include "cases/counters/zoneinfo.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kFile = 32_MiB;

// Not what shmem, ramfs and the initramfs are made of: that cannot be dropped.
Bytes FilePages() {
  return Meminfo("Active(file)") + Meminfo("Inactive(file)");
}

struct Machine : Scene {
  // Its pages stay for as long as somebody has it open.
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDONLY | O_CLOEXEC));
  Bytes low = {};    // all low watermarks
  Bytes total = {};  // what each zone keeps back: totalreserve_pages

  // From /proc/zoneinfo, by mm/page_alloc.c, calculate_totalreserve_pages.
  void ReadReserves() {
    for (const Zone& zone : ReadZones(trace)) {
      low += zone.low * kPage;
      // A boost is for a while, and counts for the low ones only.
      total += kPage * std::min(*std::ranges::max_element(zone.protection) +
                                    zone.high - zone.boost,
                                zone.managed);
    }
  }
  void Read() const { ReadDisk(trace, 0_B, kFile); }
  void Write() const { WritePages(trace, MapAnonymous(trace, kFile)); }
  Bytes Computed() const {
    const auto usable = [&](Bytes size) {
      return size - std::min(size / 2, low);
    };
    const Bytes free = Meminfo("MemFree");
    Bytes reclaimable = Meminfo("KReclaimable");
    if (reclaimable < 0_B) reclaimable = Meminfo("SReclaimable");
    return free - total + usable(FilePages()) + usable(reclaimable);
  }
  // By how much MemAvailable is off: the least that is seen, as between two
  // reads pages come and go.
  Bytes Off() const {
    Bytes least = 1_TiB;
    for (int i = 0; i < 20; ++i) {
      RefreshVmstat();
      const Bytes before = Computed();
      const Bytes told = Meminfo("MemAvailable");
      if (Computed() != before) continue;
      least = std::min(least, std::max(told - before, before - told));
    }
    return least;
  }
};

Steps<Machine> Make(const Params&, const Facts&) {
  const Row<Machine> follows("off", &Machine::Off, Le(64_KiB));
  return {{"look at a fresh machine", &Machine::ReadReserves,
           Is("reserves", &Machine::total, Gt(0_B)), follows},
          {"read 32 MiB of a disk", &Machine::Read,
           Change("file pages", FilePages, Ge(kFile * 3 / 4)), follows},
          {"write 32 MiB", &Machine::Write, Written(kFile), follows}};
}

const Register kMemAvailable{
    {.id = "counters/mem_available",
     .summary = "MemAvailable follows its formula, reserves included",
     .claim = "Seed 1: reading meminfo; Documentation/filesystems/proc.rst, "
              "MemAvailable",
     .functions = "si_mem_available, calculate_totalreserve_pages",
     .needs = {.alone = true, .disk = 64_MiB},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
