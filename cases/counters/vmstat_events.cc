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
// Page tables and what the kernel does meanwhile.
constexpr std::int64_t kBesides = 200;
constexpr std::int64_t kFew = 16;

// The sum of a counter that each kind of zone has one of.
std::int64_t Taken() {
  RefreshVmstat();
  std::int64_t sum = 0;
  for (const char* of_zone :
       {"pgalloc_dma", "pgalloc_dma32", "pgalloc_normal", "pgalloc_high",
        "pgalloc_movable", "pgalloc_device"}) {
    sum += std::max(Vmstat(of_zone), std::int64_t{0});
  }
  return sum;
}

struct Memory : Scene {
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDWR | O_CLOEXEC));
  Range range = MapAnonymous(trace, kSize);
};

// What a step does of each: at least that, and not much more.
struct Done {
  std::int64_t taken = 0, given = 0, locked = 0, unlocked = 0;
  std::int64_t dirtied = 0, written = 0;
};

Row<Memory> Counts(const Done& done) {
  const auto about = [](std::int64_t least, std::int64_t below,
                        std::int64_t above) {
    return Between(least - below, least + above);
  };
  // Up to a batch of pages, locked and unlocked ones as well (5.18), waits to
  // be counted, and comes with the next step.
  constexpr std::int64_t kBatch = 31;
  return Rows<Memory>{
      Change("pgalloc", Taken, about(done.taken, 0, kBesides)),
      Change("pgfree", FoldedInVmstat("pgfree"),
             about(done.given, kBatch, kBesides)),
      Change("mlocked", FoldedInVmstat("unevictable_pgs_mlocked"),
             about(done.locked, kBatch, kBatch)),
      Change("munlocked", FoldedInVmstat("unevictable_pgs_munlocked"),
             about(done.unlocked, kBatch, kBatch)),
      Change("nr_dirtied", FoldedInVmstat("nr_dirtied"),
             about(done.dirtied, 0, kFew)),
      Change("nr_written", FoldedInVmstat("nr_written"),
             about(done.written, 0, kFew))};
}

Steps<Memory> Make(const Params&, const Facts&) {
  const auto write_all = [](Memory& m) {
    WriteDisk(m.trace, m.disk, 0_B, kWritten);
  };
  const auto out = FoldedInVmstat("pgpgout");  // KiB
  return {
      // What one CPU holds back is never more than a batch.
      {"stay on one CPU", [](Memory& m) { RunOnCpu(m.trace, 0); }},
      {"write 4000 pages", [](Memory& m) { WritePages(m.trace, m.range); },
       Counts({.taken = kPages})},
      {"lock them", [](Memory& m) { return TryLock(m.range); },
       Counts({.locked = kPages})},
      {"unlock them", [](Memory& m) { return TryUnlock(m.range); },
       Counts({.unlocked = kPages})},
      {"unmap them", [](Memory& m) { return TryUnmap(m.range); },
       Counts({.given = kPages})},
      {"write 8 MiB to a disk", write_all,
       Counts({.taken = kFile, .dirtied = kFile}),
       Change("pgpgout", out, Le(kFew))},
      StepOf<Memory>("write them again", write_all, Counts({}))
          .HoldsWithout("dirty already, they are not dirtied again"),
      {"sync", [](Memory& m) { return ErrnoOf(fsync(m.disk)); },
       Counts({.written = kFile}),
       Change("pgpgout", out,
              Between(kWritten / 1_KiB, kWritten / 1_KiB + 4 * kFew))},
  };
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
