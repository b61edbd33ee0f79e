// SPDX-License-Identifier: Apache-2.0
// memory.swap.max is what a group may swap, to the page: it gets memory.max
// and that, and no page of swap more; without a limit it lives. Zero: no swap.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kMemory = 4_MiB;
constexpr Bytes kSwap = 2_MiB;
constexpr Bytes kWanted = 8_MiB;
constexpr Bytes kSlots = 128 * kPage;
constexpr Bytes kCluster = 256_KiB;
constexpr Bytes kBatch = 64_KiB;
constexpr int kSettle = 5000;
constexpr int kArrives = 100;  // milliseconds
// Where the disk is slower than the kernel's patience, all that may be swapped
// is on its way and nothing has arrived: it kills early. What counts is how far
// a writer can come.
constexpr int kTries = 8;

// What is on its way to swap is charged twice, as memory and as swap: it must
// have arrived before more is written. Not for long: where others write, too,
// there is always something on its way.
void AwaitSwap() {
  HoldsWithin(kArrives, [] {
    RefreshVmstat();
    return Vmstat("nr_writeback") == 0;
  });
}

// Pages that differ, and are not zero: those are not written to swap.
void WriteAll(Trace& trace, const Range& range) {
  std::atomic<std::int64_t>& written = trace.Counter("written");
  written = 0;
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    if ((at - range.start) % kBatch.count == 0) AwaitSwap();
    const std::int64_t value = (at - range.start) | 1;
    std::memcpy(at, &value, sizeof value);
    written += kPage.count;
  }
}

std::int64_t Wrong(const Range& range) {
  std::int64_t wrong = 0;
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    std::int64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    if (value != ((at - range.start) | 1)) ++wrong;
  }
  return wrong;
}

Bytes Limit(const Params& p) {
  return kMemory + (p["swap"] == "0" ? 0_B : kSwap);
}

// mm/swap_slots.c, up to 6.13: what a CPU has freed stays in use, in batches
// of 64.
Bytes Slots(const Facts& f) {
  return f.kernel < KernelVersion{6, 14} ? f.cpus * kSlots : 0_B;
}

// What a writer need not reach of its limits: its own pages and tables, and
// what is on its way to swap; of shared memory, which goes out in clusters, the
// last one; slots that a CPU keeps.
Bytes Unreached(const Params& p, const Facts& f) {
  return 160 * kPage + (p["kind"] == "shmem" ? kCluster : 0_B) + Slots(f);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  const bool shared = p["kind"] == "shmem";
  group.Set(trace, "memory.max", kMemory);
  group.Set(trace, "memory.swap.max",
            p["swap"] == "max" ? "max"
            : p["swap"] == "0" ? "0"
                               : "2097152");
  MapOptions options;
  if (shared) options.flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const Range range = MapAnonymous(trace, kWanted, options);
  Gate done(trace);
  Gate end(trace);
  const auto start = [&] {
    return StartChildIn(trace, group, [&] {
      WriteAll(trace, range);
      trace.Set("swap_of_range", MappingField(range, "Swap"));
      trace.Set("vm_swap", StatusField("VmSwap"));
      done.Open();
      end.Pass();
      trace.Set("wrong", Wrong(range));
    });
  };
  int status = -1;
  const bool lives = p["swap"] == "max";
  pid_t child = start();
  if (lives) {
    done.Pass();
    trace.Set("far", trace.Counter("written").load());
  } else {
    const Bytes enough = Limit(p) - Unreached(p, f);
    std::int64_t far = 0;
    int tries = 0;
    for (;;) {
      ++tries;
      const bool died = EndsWithin(child, 20000, status);
      trace.Set("died", died ? 1 : 0);
      far = std::max(far, trace.Counter("written").load());
      if (!died) EndChild(child);
      if (!died || tries == kTries || far >= enough.count) break;
      if (shared) TryAdvise(range, MADV_REMOVE);  // outlives its writer
      child = start();
    }
    trace.Set("far", far);
    trace.Set("tries", tries);
  }
  const auto number = [&](const char* name, const char* file) {
    trace.Set(name, group.Number(file));
  };
  trace.Set("swap_max", group.Number("memory.swap.max"));
  number("swap_current", "memory.swap.current");
  number("current", "memory.current");
  trace.Set("swap_peak", group.Number("memory.swap.peak"));
  trace.Set("fail", group.Field("memory.swap.events", "fail"));
  trace.Set("swap_max_events", group.Field("memory.swap.events", "max"));
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  if (lives) {
    // Read again, every page is what was written: read from swap.
    group.Set(trace, "memory.max", "max");
    end.Open();
    status = Reap(child);
  }
  trace.Set("status", status);
  Unmap(trace, range);
  HoldsWithin(kSettle, [&] {
    return group.Number("memory.swap.current") <= Slots(f).count &&
           group.Number("memory.current") <= (512_KiB).count;
  });
  number("swap_left", "memory.swap.current");
  number("left", "memory.current");
  group.Remove(trace);
}

Oracle Expect(const Params& p, const Facts& f) {
  const Oracle always =
      AllOf(Survives(), Size("swap_left", Le(Slots(f))),
            Size("left", Le(512_KiB)), Size("current", Le(kMemory)));
  if (p["swap"] == "max") {
    const Bytes out = kWanted - kMemory;
    return AllOf(always, Count("status", Eq(0)), Size("far", Eq(kWanted)),
                 Count("kills", Eq(0)), Count("wrong", Eq(0)),
                 Size("swap_current", Between(out, kWanted)),
                 Size("swap_of_range", Between(out, kWanted)),
                 Count("fail", Eq(0)), Count("swap_max_events", Eq(0)));
  }
  const Bytes swap = p["swap"] == "0" ? 0_B : kSwap;
  const Oracle killed =
      AllOf(always, Count("died", Eq(1)), Count("status", Eq(SIGKILL)),
            Difference("kills", "tries", Eq(0)), Size("swap_max", Eq(swap)),
            Size("swap_current", Le(swap)),
            Size("far", Between(Limit(p) - Unreached(p, f), Limit(p))));
  // Of shared memory all is still there.
  if (p["kind"] == "anon" || p["swap"] == "0") return killed;
  return AllOf(killed, Size("swap_current", Ge(swap - kCluster)));
}

const Register kSwapMax{
    {.id = "memcg/swap_max",
     .summary = "memory.swap.max: memory.max and that much, to the page",
     .explains = {.claim = "Seed 1: swap; Documentation/admin-guide/cgroup-v2: "
                           "memory.swap.max is the swap usage hard limit",
                  .deed = "writes more than memory.max in groups that may "
                          "swap nothing, a part, or all of it",
                  .functions =
                      "__mem_cgroup_try_charge_swap, "
                      "mem_cgroup_get_nr_swap_pages, shrink_folio_list",
                  .look_at = "far is how far the writer came, in the best of "
                             "some tries; swap_* the group's swap counters "
                             "then"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .box = {{"memory.swap.max", "max"}}},
     .params = {{"swap", {"0", "2m", "max"}}, {"kind", {"anon", "shmem"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "far",
                  .better = Better::kHigher,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 96 * 4096,
                  .cause = "the writer's own stack and tables"}},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
