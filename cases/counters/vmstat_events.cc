// SPDX-License-Identifier: Apache-2.0
// The events of /proc/vmstat count what was done, page by page: taken and given
// back, locked and unlocked, made dirty and written.
#include "cases/counters/readings.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 4000;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kWritten = 8_MiB;
constexpr std::int64_t kFile = kWritten / kPage;
constexpr std::int64_t kFew = 16;

// The sum of a counter that each kind of zone has one of.
std::int64_t Taken() {
  RefreshVmstat();
  std::int64_t sum = 0;
  for (const char* zone :
       {"pgalloc_dma", "pgalloc_dma32", "pgalloc_normal", "pgalloc_high",
        "pgalloc_movable", "pgalloc_device"}) {
    sum += std::max<std::int64_t>(Vmstat(zone), 0);
  }
  return sum;
}

struct Memory : Scene {
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDWR | O_CLOEXEC));
  Range range = MapAnonymous(trace, kSize);

  // What it holds back is never more than a batch.
  void StayOnOneCpu() const { RunOnCpu(trace, 0); }
  void WriteAll() const { WritePages(trace, range); }
  int LockAll() const { return TryLock(range); }
  int UnlockAll() const { return TryUnlock(range); }
  int UnmapAll() const { return TryUnmap(range); }
  void WriteFile() const { WriteDisk(trace, disk, 0_B, kWritten); }
  int Sync() const { return ErrnoOf(fsync(disk)); }
};

// What a step does of each: at least that, and not much more.
struct Done {
  std::int64_t taken = 0, given = 0, locked = 0, unlocked = 0;
  std::int64_t dirtied = 0, written = 0;
};

Row<Memory> Counts(const Done& done) {
  // Page tables and what the kernel does meanwhile.
  constexpr std::int64_t kBesides = 200;
  // Up to a batch of pages, locked and unlocked ones as well (5.18), waits to
  // be counted, and comes with the next step.
  constexpr std::int64_t kBatch = 31;
  const auto folded = [](const char* name, const char* counter, auto least,
                         auto below, auto above) {
    return Change(name, FoldedInVmstat(counter),
                  Between(least - below, least + above));
  };
  return Rows<Memory>{
      Change("pgalloc", Taken, Between(done.taken, done.taken + kBesides)),
      folded("pgfree", "pgfree", done.given, kBatch, kBesides),
      folded("mlocked", "unevictable_pgs_mlocked", done.locked, kBatch, kBatch),
      folded("munlocked", "unevictable_pgs_munlocked", done.unlocked, kBatch,
             kBatch),
      folded("nr_dirtied", "nr_dirtied", done.dirtied, 0, kFew),
      folded("nr_written", "nr_written", done.written, 0, kFew)};
}

Steps<Memory> Make(const Params&, const Facts&) {
  const auto out = FoldedInVmstat("pgpgout");  // KiB
  return {{"stay on one CPU", &Memory::StayOnOneCpu},
          {"write 4000 pages", &Memory::WriteAll, Counts({.taken = kPages})},
          {"lock them", &Memory::LockAll, Counts({.locked = kPages})},
          {"unlock them", &Memory::UnlockAll, Counts({.unlocked = kPages})},
          {"unmap them", &Memory::UnmapAll, Counts({.given = kPages})},
          {"write 8 MiB to a disk", &Memory::WriteFile,
           Counts({.taken = kFile, .dirtied = kFile}),
           Change("pgpgout", out, Le(kFew))},
          StepOf<Memory>("write them again", &Memory::WriteFile, Counts({}))
              .HoldsWithout("dirty already, they are not dirtied again"),
          {"sync", &Memory::Sync, Counts({.written = kFile}),
           Change("pgpgout", out,
                  Between(kWritten / 1_KiB, kWritten / 1_KiB + 4 * kFew))}};
}

const Register kVmstatEvents{
    {.id = "counters/vmstat_events",
     .summary = "pages taken, given, locked, dirtied, written: one event each",
     .claim = "Seed 1: memory observation, /proc/vmstat",
     .functions = "rmqueue, free_unref_page, mlock_folio, munlock_folio, "
                  "folio_account_dirtied, folio_clear_dirty_for_io",
     .suite = Suite::kQuick,
     .needs = {.alone = true, .disk = 64_MiB, .settings = {NoWriteback()}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
