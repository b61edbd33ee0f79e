// SPDX-License-Identifier: Apache-2.0
// The events of /proc/vmstat count what was done, page by page: taken and given
// back, locked and unlocked, made dirty and written.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 4000;
constexpr Bytes kSize = kPages * kPage;
constexpr Bytes kWritten = 8_MiB;
// Page tables and what the kernel does meanwhile.
constexpr std::int64_t kBesides = 200;
constexpr std::int64_t kFew = 16;

// The sum of a counter that each kind of zone has one of.
std::int64_t OfZones(const char* counter) {
  std::int64_t sum = 0;
  char name[48];
  for (const char* zone :
       {"dma", "dma32", "normal", "high", "movable", "device"}) {
    std::snprintf(name, sizeof name, "%s_%s", counter, zone);
    const std::int64_t value = Vmstat(name);
    if (value > 0) sum += value;
  }
  return sum;
}

struct Events {
  std::int64_t taken = OfZones("pgalloc");
  std::int64_t given = Vmstat("pgfree");
  std::int64_t locked = Vmstat("unevictable_pgs_mlocked");
  std::int64_t unlocked = Vmstat("unevictable_pgs_munlocked");
  std::int64_t dirtied = Vmstat("nr_dirtied");
  std::int64_t written = Vmstat("nr_written");
  std::int64_t out = Vmstat("pgpgout");  // KiB
};

void Leave(Trace& trace, const char* step, const Events& before) {
  RefreshVmstat();
  const Events now;
  const auto set = [&](const char* what, std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", step, what);
    trace.Set(name, value);
  };
  set("taken", now.taken - before.taken);
  set("given", now.given - before.given);
  set("locked", now.locked - before.locked);
  set("unlocked", now.unlocked - before.unlocked);
  set("dirtied", now.dirtied - before.dirtied);
  set("written", now.written - before.written);
  set("out_kb", now.out - before.out);
}

template <typename Deed>
void Measure(Trace& trace, const char* step, Deed deed) {
  RefreshVmstat();
  const Events before;
  deed();
  Leave(trace, step, before);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  // What one CPU holds back is never more than a batch.
  RunOnCpu(trace, 0);
  {
    RefreshVmstat();
    const Events warm_up;
  }
  const Range range = MapAnonymous(trace, kSize);
  Measure(trace, "write", [&] { WritePages(trace, range); });
  Measure(trace, "lock", [&] {
    if (mlock(range.start, Length(kSize)) != 0) trace.Stop("mlock", errno);
  });
  Measure(trace, "unlock", [&] { munlock(range.start, Length(kSize)); });
  Measure(trace, "unmap", [&] { Unmap(trace, range); });

  const int disk = open(kScratchDisk, O_RDWR | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  const auto write_all = [&] { WriteDisk(trace, disk, 0_B, kWritten); };
  Measure(trace, "dirty", write_all);
  // Dirty already, it is not dirtied again.
  Measure(trace, "dirty_again", write_all);
  Measure(trace, "sync", [&] {
    if (fsync(disk) != 0) trace.Stop("fsync", errno);
  });
  close(disk);
}

// What a step does of each: at least that, and not much more.
struct Done {
  std::int64_t taken = 0, given = 0, locked = 0, unlocked = 0;
  std::int64_t dirtied = 0, written = 0;
};

Oracle Of(const std::string& step, const Done& done) {
  const auto about = [&](const char* name, std::int64_t least,
                         std::int64_t below, std::int64_t above) {
    return Count(step + "." + name, Between(least - below, least + above));
  };
  // Up to a batch of pages, locked and unlocked ones as well (5.18), waits to
  // be counted, and comes with the next step.
  constexpr std::int64_t kBatch = 31;
  return AllOf(about("taken", done.taken, 0, kBesides),
               about("given", done.given, kBatch, kBesides),
               about("locked", done.locked, kBatch, kBatch),
               about("unlocked", done.unlocked, kBatch, kBatch),
               about("dirtied", done.dirtied, 0, kFew),
               about("written", done.written, 0, kFew));
}

Oracle Expect(const Params&, const Facts&) {
  constexpr std::int64_t kFile = kWritten / kPage;
  return AllOf(
      AllOf(Survives(), Of("write", {.taken = kPages}),
            Of("lock", {.locked = kPages}), Of("unlock", {.unlocked = kPages}),
            Of("unmap", {.given = kPages})),
      Of("dirty", {.taken = kFile, .dirtied = kFile}), Of("dirty_again", {}),
      Of("sync", {.written = kFile}), Count("dirty.out_kb", Le(kFew)),
      Count("sync.out_kb",
            Between(kWritten / 1_KiB, kWritten / 1_KiB + 4 * kFew)));
}

const Register kVmstatEvents{
    {.id = "counters/vmstat_events",
     .summary = "pages taken, given, locked, dirtied, written: one event each",
     .explains =
         {.claim = "Seed 1: memory observation, /proc/vmstat",
          .deed = "writes, locks, unlocks and unmaps 4000 pages; writes 8 MiB "
                  "to a disk twice, then syncs",
          .functions = "rmqueue, free_unref_page, mlock_folio, munlock_folio, "
                       "folio_account_dirtied, folio_clear_dirty_for_io",
          .look_at = "<step>.<event> is by how much the counter grew"},
     .suite = Suite::kQuick,
     .needs = {.alone = true, .disk = 64_MiB, .settings = {NoWriteback()}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
