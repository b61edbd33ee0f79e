// SPDX-License-Identifier: Apache-2.0
// memory.swap.high slows who swaps beyond it, whatever the groups above may:
// no kill, no failure, and the next group is not slowed.
#include "cases/memcg/pressure.h"

namespace oomgate {
namespace {

constexpr Bytes kMax = 8_MiB;
constexpr Bytes kSwapHigh = 2_MiB;
constexpr Bytes kWanted = 48_MiB;
constexpr int kWatched = 2500;  // milliseconds

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kMax);
  group.Set(trace, "memory.swap.high", kSwapHigh);
  const pid_t child = StartChildIn(
      trace, group, [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
  const auto written = [&] { return trace.Counter("written").load(); };
  const auto swapped = [&] { return group.Number("memory.swap.current"); };
  HoldsWithin(10000, [&] { return swapped() >= kSwapHigh.count; });
  trace.Set("reached_high", swapped() >= kSwapHigh.count);
  int status = -1;
  trace.Set("ended", EndsWithin(child, kWatched, status));
  trace.Set("total", written());
  trace.Set("swap", swapped());
  trace.Set("high", group.Field("memory.swap.events", "high"));
  trace.Set("swap_max", group.Field("memory.swap.events", "max"));
  trace.Set("oom_kill", group.Field("memory.events", "oom_kill"));
  // No longer limited, it comes to its end.
  group.Set(trace, "memory.swap.high", "max");
  trace.Set("goes_on", EndsWithin(child, 20000, status));
  trace.Set("status", status);
  trace.Set("left", swapped());
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts&) {
  // What is on its way to swap is in memory, and counts as swap, too.
  const Bytes least = kMax - kSwapHigh;
  return AllOf(Survives(), Count("reached_high", Eq(1)), Count("ended", Eq(0)),
               Size("total", Between(least, 2 * (kMax + kSwapHigh))),
               Size("swap", Ge(kSwapHigh)), Count("high", Ge(1)),
               Count("swap_max", Eq(0)), Count("oom_kill", Eq(0)),
               Count("goes_on", Eq(1)), Count("status", Eq(0)),
               Size("left", Between(0_B, 1_MiB)));
}

const Register kSwapHighCase{
    {.id = "memcg/swap_high",
     .summary = "memory.swap.high slows down a group that swaps beyond it",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: over "
                           "memory.swap.high, all further allocations are "
                           "throttled (since 5.8); seed 1: swap",
                  .deed = "writes 48 MiB with memory.max at 8 MiB and "
                          "swap.high at 2 MiB, then lifts that",
                  .functions = "swap_find_max_overage, calculate_high_delay, "
                               "mem_cgroup_handle_over_high",
                  .look_at = "total beyond the range, or ended: it is not "
                             "throttled; goes_on: for ever"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "total",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate
