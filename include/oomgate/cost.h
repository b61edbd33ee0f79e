// SPDX-License-Identifier: Apache-2.0
// What a deed costs the kernel: the same deed in many rounds, in the place's
// own clock. Under the instruction clock a cost is a count of instructions that
// a second run repeats to the last digit; else it is CPU time, with its noise.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "oomgate/deed_mark.h"
#include "oomgate/facts.h"
#include "oomgate/model/metric.h"
#include "oomgate/trace.h"

namespace oomgate {

inline constexpr int kCostRounds = 15;

// Whose time counts.
enum class CostOf {
  kThread,   // of the calling thread alone
  kElapsed,  // also of who works for it: a child, a kernel thread, a killer
};

// Nanoseconds of that clock, from an unknown start.
std::int64_t CostClock(CostOf whose);

// Under the instruction clock: waits, which costs nothing, for a moment of
// which there are ten in a second. The kernel's timer then interrupts each
// round at the same instructions, and what it does later on is done.
void AwaitRound(const Facts& f);

// Leaves the rounds' costs in the trace, in nanoseconds as measured. Under the
// instruction clock "instructions", their median, and "spread", from the least
// to the most; else "time_ns", the median, and "time_ns_p10".
void SetCost(Trace& trace, const Facts& f,
             std::array<std::int64_t, kCostRounds>& nanoseconds);

// Runs `prepare`, `deed`, `clean_up` in each round, after one more round as a
// warm-up; only the deed counts. A round should take some milliseconds: it is
// interrupted by the kernel's timer, too. --profile-functions counts what is
// executed while a deed goes on.
template <typename Prepare, typename Deed, typename CleanUp>
void MeasureCost(Trace& trace, const Facts& f, CostOf whose, Prepare prepare,
                 Deed deed, CleanUp clean_up) {
  std::array<std::int64_t, kCostRounds> spent = {};
  for (int round = -1; round < kCostRounds; ++round) {
    prepare();
    AwaitRound(f);
    if (round >= 0) MarkDeedBegins();
    const std::int64_t start = CostClock(whose);
    deed();
    const std::int64_t end = CostClock(whose);
    if (round >= 0) MarkDeedEnds();
    clean_up();
    if (round >= 0) spent[static_cast<std::size_t>(round)] = end - start;
  }
  SetCost(trace, f, spent);
}

// What a cost case declares: the metrics of SetCost, of which a clock sets
// some.
std::vector<Metric> CostMetrics();

}  // namespace oomgate
