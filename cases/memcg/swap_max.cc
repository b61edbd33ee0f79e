// SPDX-License-Identifier: Apache-2.0
// memory.swap.max is what a group may swap, to the page: it gets memory.max
// and that, and no page of swap more; without a limit it lives. Zero: no swap.
#include "cases/memcg/groups.h"
#include "oomgate/numbered_pages.h"

namespace oomgate {
namespace {

constexpr Bytes kMemory = 4_MiB;
constexpr Bytes kSwap = 2_MiB;
constexpr Bytes kWanted = 8_MiB;
constexpr Bytes kCluster = 256_KiB;
constexpr Bytes kBatch = 64_KiB;
constexpr int kArrives = 100;  // milliseconds
// Where the disk is slower than the kernel's patience, all that may be swapped
// is on its way and nothing has arrived: it kills early. What counts is how far
// a writer can come.
constexpr int kTries = 8;

Bytes SwapLimit(const Params& p) { return p["swap"] == "0" ? 0_B : kSwap; }
Bytes Limit(const Params& p) { return kMemory + SwapLimit(p); }

// mm/swap_slots.c, up to 6.13: what a CPU has freed stays in use, in batches
// of 64.
Bytes Slots(const Facts& f) {
  return f.kernel < KernelVersion{6, 14} ? f.cpus * 128 * kPage : 0_B;
}

// What a writer need not reach of its limits: its own pages and tables, and
// what is on its way to swap; of shared memory, which goes out in clusters, the
// last one; slots that a CPU keeps.
Bytes Unreached(const Params& p, const Facts& f) {
  return 160 * kPage + (p["kind"] == "shmem" ? kCluster : 0_B) + Slots(f);
}

struct Swapper : Scene {
  bool shared = p["kind"] == "shmem";
  GroupInBox group{trace, f};
  Range range = MapAnonymous(trace, kWanted,
                             {.flags = (shared ? MAP_SHARED : MAP_PRIVATE) |
                                       MAP_ANONYMOUS | MAP_NORESERVE});
  Member writer{trace};

  // Each page differs and is not zero: such a page is not written to swap.
  void WriteAll() const {
    Set("written", 0);
    for (Bytes at; at < range.size; at += kPage) {
      // What is on its way to swap is charged twice, as memory and as swap: it
      // must have arrived before more is written. Not for long: where others
      // write, too, there is always something on its way.
      if (at.count % kBatch.count == 0) {
        HoldsWithin(kArrives, [] {
          RefreshVmstat();
          return Vmstat("nr_writeback") == 0;
        });
      }
      *NumberAt(range, at) = at.count + 1;
      Set("written", at + kPage);
    }
  }
  void Start(auto swap_max) {
    group.Set(trace, "memory.max", kMemory);
    group.Set(trace, "memory.swap.max", swap_max);
    Restart();
  }
  void Restart() {
    writer.Start(group, [&] {
      WriteAll();
      Set("swap of range", MappingField(range, "Swap"));
      writer.Pause();
      Set("wrong", CountMisnumbered(range));
    });
  }
  void WriteAndPause() {
    Start("max");
    writer.AwaitPause();
    Set("far", writer.Written());
  }
  void UnmapIt() const { Unmap(trace, range); }
  void ReadFromSwap() {
    group.Set(trace, "memory.max", "max");
    Set("status", writer.Finish());
  }
};

void WriteUntilKilled(Swapper& s) {
  const Bytes enough = Limit(s.p) - Unreached(s.p, s.f);
  Bytes far;
  int tries = 1;
  s.Start(SwapLimit(s.p));
  for (;; ++tries) {
    const int status = s.writer.EndWithin(20000);
    s.Set("status", status);
    far = std::max(far, s.writer.Written());
    if (status == Member::kRuns || tries == kTries || far >= enough) break;
    if (s.shared) TryAdvise(s.range, MADV_REMOVE);  // outlives its writer
    s.Restart();
  }
  s.writer.Kill();
  s.Set("far", far);
  s.Set("tries", tries);
}

Steps<Swapper> Make(const Params& p, const Facts& f) {
  constexpr auto kGroup = &Swapper::group;
  const auto current = SizeIn(kGroup, "memory.current");
  const auto swap = SizeIn(kGroup, "memory.swap.current");
  const auto fails = CountIn(kGroup, "memory.swap.events", "fail");
  const auto most_met = CountIn(kGroup, "memory.swap.events", "max");
  const auto kills = Event(kGroup, "oom_kill");
  Steps<Swapper> steps;
  if (p["swap"] == "max") {
    const auto out = Between(kWanted - kMemory, kWanted);
    steps = {{"write 8 MiB", &Swapper::WriteAndPause, Size("far", kWanted),
              Is("current", current, Le(kMemory)), Is("swap", swap, out),
              Size("swap of range", out), Is("fail", fails, 0),
              Is("max", most_met, 0), Is("kills", kills, 0)},
             {"read it again", &Swapper::ReadFromSwap, Count("status", 0),
              Count("wrong", 0)}};
  } else {
    const Bytes most = SwapLimit(p);
    // All of shared memory is still there.
    const bool stays = p["kind"] == "shmem" && p["swap"] != "0";
    steps = {{"write 8 MiB", WriteUntilKilled, Count("status", SIGKILL),
              Size("far", Between(Limit(p) - Unreached(p, f), Limit(p))),
              Is("kills", kills, Ge(1)), Difference("kills", "tries", 0),
              Is("current", current, Le(kMemory)),
              Is("swap max", SizeIn(kGroup, "memory.swap.max"), most),
              Is("swap", swap, Between(stays ? most - kCluster : 0_B, most))}};
  }
  steps.push_back(
      StepOf<Swapper>("unmap it", &Swapper::UnmapIt,
                      Soon("swap", swap, Le(Slots(f))),
                      Soon("current", current, Le(512_KiB)))
          .HoldsWithout(p["kind"] == "anon" ? "it went with its writer" : ""));
  return steps;
}

const Register kSwapMax{
    {.id = "memcg/swap_max",
     .summary = "memory.swap.max: memory.max and that much, to the page",
     .claim = "Seed 1: swap; admin-guide/cgroup-v2: memory.swap.max is the "
              "swap usage hard limit",
     .functions = "__mem_cgroup_try_charge_swap, mem_cgroup_get_nr_swap_pages, "
                  "shrink_folio_list",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .box = {{"memory.swap.max", "max"}}},
     .params = {{"swap", {"0", "2m", "max"}}, {"kind", {"anon", "shmem"}}},
     .steps = Make,
     .metrics = {Metric::Size("far", "write 8 MiB.far")
                     .HigherIsBetter()
                     .Within(96 * 4096, "the writer's own stack and tables")},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
