// SPDX-License-Identifier: Apache-2.0
// Costs, read and reported. Rounds are counted here and not by a benchmark
// library: it would decide how many there are, and allocate between them.
#include "oomgate/cost.h"

#include <time.h>

#include <algorithm>

namespace oomgate {

std::int64_t CostClock(CostOf whose) {
  timespec now = {};
  clock_gettime(
      whose == CostOf::kThread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
      &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void AwaitRound(const Facts& f) {
  if (f.instruction_ns == 0) return;
  constexpr std::int64_t kEvery = 100'000'000;
  const std::int64_t next = (CostClock(CostOf::kElapsed) / kEvery + 1) * kEvery;
  const timespec moment = {.tv_sec = next / 1'000'000'000,
                           .tv_nsec = next % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr);
}

void SetCost(Trace& trace, const Facts& f,
             std::array<std::int64_t, kCostRounds>& nanoseconds) {
  std::ranges::sort(nanoseconds);
  const std::int64_t median = nanoseconds[kCostRounds / 2];
  if (f.instruction_ns > 0) {
    trace.Set("instructions", median / f.instruction_ns);
    trace.Set("spread",
              (nanoseconds.back() - nanoseconds.front()) / f.instruction_ns);
    return;
  }
  trace.Set("time_ns", median);
  trace.Set("time_ns_p10", nanoseconds[kCostRounds / 10]);
}

std::vector<Metric> CostMetrics() {
  return {{.name = "instructions",
           .better = Better::kLower,
           .unit = "instructions",
           .kind = Kind::kInstructions},
          {.name = "time_ns",
           .better = Better::kLower,
           .unit = "ns",
           .kind = Kind::kTime},
          {.name = "time_ns_p10",
           .better = Better::kLower,
           .unit = "ns",
           .kind = Kind::kTime}};
}

}  // namespace oomgate
