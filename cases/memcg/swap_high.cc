// SPDX-License-Identifier: Apache-2.0
// memory.swap.high slows who swaps beyond it, whatever the groups above may:
// no kill, no failure, and the next group is not slowed.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kMax = 8_MiB;
constexpr Bytes kSwapHigh = 2_MiB;
constexpr Bytes kWanted = 48_MiB;
constexpr int kWatched = 2500;  // milliseconds

struct Slowed : Scene {
  GroupInBox group{trace, f};
  Member child{trace};

  void Start() {
    group.Set(trace, "memory.max", kMax);
    group.Set(trace, "memory.swap.high", kSwapHigh);
    child.Start(group,
                [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
    HoldsWithin(10000, [&] {
      return group.Number("memory.swap.current") >= kSwapHigh.count;
    });
  }
};

Steps<Slowed> Make(const Params&, const Facts&) {
  const auto swap = SizeIn(&Slowed::group, "memory.swap.current");
  const auto event = [](const char* key) {
    return CountIn(&Slowed::group, "memory.swap.events", key);
  };
  return {
      {"write 48 MiB", &Slowed::Start, {{"swap", swap, Ge(kSwapHigh)}}},
      {"watch it for 2.5 s",
       [](Slowed& s) { s.Set("status", s.child.EndWithin(kWatched)); },
       // What is on its way to swap is in memory, and counts as swap, too.
       {Count("status", Member::kRuns),
        {"total", [](Slowed& s) { return s.child.Written(); },
         Between(kMax - kSwapHigh, 2 * (kMax + kSwapHigh))},
        {"swap", swap, Ge(kSwapHigh)},
        {"high", event("high"), Ge(1)},
        {"max", event("max"), 0},
        {"kills", Event(&Slowed::group, "oom_kill"), 0}}},
      {"lift memory.swap.high",
       [](Slowed& s) {
         s.group.Set(s.trace, "memory.swap.high", "max");
         s.Set("status", s.child.EndWithin(20000));
       },
       {Count("status", 0), {"swap", swap, Between(0_B, 1_MiB)}}},
  };
}

const Register kSwapHighCase{
    {.id = "memcg/swap_high",
     .summary = "memory.swap.high slows down a group that swaps beyond it",
     .claim = "Documentation/admin-guide/cgroup-v2: over memory.swap.high, all "
              "further allocations are throttled (since 5.8); seed 1: swap",
     .functions = "swap_find_max_overage, calculate_high_delay, "
                  "mem_cgroup_handle_over_high",
     .look_at = "a status of -1 is a child that still runs",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make,
     .metrics = {Metric::Time("total", "bytes", "watch it for 2.5 s.total")}}};

}  // namespace
}  // namespace oomgate
