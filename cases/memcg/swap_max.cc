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
    std::atomic<std::int64_t>& written = trace.Counter("written");
    written = 0;
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
      written += kPage.count;
    }
  }
  void Start(const char* swap_max) {
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
};

void WriteUntilKilled(Swapper& s) {
  const Bytes enough = Limit(s.p) - Unreached(s.p, s.f);
  Bytes far;
  int tries = 1;
  s.Start(s.p["swap"] == "0" ? "0" : "2097152");
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
  const auto current = SizeIn(&Swapper::group, "memory.current");
  const auto swap = SizeIn(&Swapper::group, "memory.swap.current");
  const auto event = [](const char* key) {
    return CountIn(&Swapper::group, "memory.swap.events", key);
  };
  Steps<Swapper> steps;
  if (p["swap"] == "max") {
    const auto out = Between(kWanted - kMemory, kWanted);
    steps = {{"write 8 MiB",
              [](Swapper& s) {
                s.Start("max");
                s.writer.AwaitPause();
                s.Set("far", s.writer.Written());
              },
              {Size("far", kWanted),
               {"current", current, Le(kMemory)},
               {"swap", swap, out},
               Size("swap of range", out),
               {"fail", event("fail"), 0},
               {"max", event("max"), 0},
               {"kills", Event(&Swapper::group, "oom_kill"), 0}}},
             // From swap.
             {"read it again",
              [](Swapper& s) {
                s.group.Set(s.trace, "memory.max", "max");
                s.Set("status", s.writer.Finish());
              },
              {Count("status", 0), Count("wrong", 0)}}};
  } else {
    const Bytes most = SwapLimit(p);
    // Of shared memory all is still there.
    const bool stays = p["kind"] == "shmem" && p["swap"] != "0";
    steps = {{"write 8 MiB",
              WriteUntilKilled,
              {Count("status", SIGKILL),
               Size("far", Between(Limit(p) - Unreached(p, f), Limit(p))),
               {"kills", Event(&Swapper::group, "oom_kill"), Ge(1)},
               Difference("kills", "tries", 0),
               {"current", current, Le(kMemory)},
               {"swap max", SizeIn(&Swapper::group, "memory.swap.max"), most},
               {"swap", swap, Between(stays ? most - kCluster : 0_B, most)}}}};
  }
  steps.push_back(
      StepOf<Swapper>("unmap it", [](Swapper& s) { Unmap(s.trace, s.range); },
                      {Soon("swap", swap, Le(Slots(f))),
                       Soon("current", current, Le(512_KiB))})
          .HoldsWithout(p["kind"] == "anon" ? "it went with its writer" : ""));
  return steps;
}

const Register kSwapMax{
    {.id = "memcg/swap_max",
     .summary = "memory.swap.max: memory.max and that much, to the page",
     .claim = "Seed 1: swap; Documentation/admin-guide/cgroup-v2: "
              "memory.swap.max is the swap usage hard limit",
     .functions = "__mem_cgroup_try_charge_swap, mem_cgroup_get_nr_swap_pages, "
                  "shrink_folio_list",
     .look_at = "far is how far the writer came, in the best of some tries",
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
