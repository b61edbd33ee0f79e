// SPDX-License-Identifier: Apache-2.0
// What a deed costs the kernel: the same deed in many rounds, in the place's
// own clock. Under the instruction clock a cost is a count of instructions that
// a second run repeats to the last digit; else it is time, with its noise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "oomgate/deed_mark.h"
#include "oomgate/facts.h"
#include "oomgate/memory.h"
#include "oomgate/model/metric.h"
#include "oomgate/trace.h"

namespace oomgate {

// How many rounds a cost takes. By the instruction clock 7: it has no noise,
// but each round frees and takes pages in another order. By the wall's, to see
// through noise, at least 10, and on for a tenth of a second, up to 1000; 5
// of an emulated CPU, whose times say little.
inline constexpr std::size_t kMostCostRounds = 1000;
std::size_t FewestCostRounds(const Facts& f);
bool TakesMoreRounds(const Facts& f, std::int64_t since);

// Whose time counts.
enum class CostOf {
  kThread,   // of the calling thread alone
  kElapsed,  // also of who works for it: a child, a kernel thread, a killer
};

// Nanoseconds of that clock, from an unknown start.
std::int64_t CostClock(CostOf whose);

// Under the instruction clock: waits, which costs nothing, for a moment of
// which there are ten in a second, or one in `every` nanoseconds. The kernel's
// timer then interrupts each round at the same instructions, and what it does
// later on is done.
void AwaitRound(const Facts& f, std::int64_t every = 100'000'000);

// Where noise is to be seen through: as MeasureCost says.
void StayOnCpu(Trace& trace, const Facts& f);

// How fast the CPU is just now. Whoever shares a core, its cache or its clock
// slows down a deed by tens of percent, for a second or so, and slows down
// other work alike: filling memory that stays in the cache, which no kernel
// takes part in. Measured on a shared machine, most costs over fills stray by a
// third of what costs do.
class Pace {
 public:
  // Nothing is filled where time is the instructions' or the CPU is emulated.
  Pace(Trace& trace, const Facts& f, CostOf whose);
  ~Pace();
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  static constexpr int kFills = 20;
  // Nanoseconds of that many fills; 0 where nothing is filled.
  std::int64_t Fill();

 private:
  Trace& trace_;
  CostOf whose_;
  Range memory_;
};

struct CostRound {
  std::int64_t nanoseconds = 0;  // as measured
  std::int64_t filling = 0;      // of the fills before and after it
};

// Room for that many rounds: no memory that a fork would copy before it is
// used.
std::span<CostRound, kMostCostRounds> RoomForRounds();

// Leaves what the rounds cost in the trace. Under the instruction clock
// "instructions", their median, and "spread", from the least to the most; else
// "time_ns", the median, "time_ns_p10", and, but for an emulated CPU, "fills".
void SetCost(Trace& trace, const Facts& f, std::span<CostRound> rounds);

// Runs `prepare`, `deed`, `clean_up` in each round, after one more round as a
// warm-up, which "rounds" counts, too; only the deed costs. By the wall's clock
// the calling thread, and whom it starts, stay on one CPU from then on: another
// has another pace, and free pages of its own. --profile-functions counts what
// is executed while a deed goes on.
template <typename Prepare, typename Deed, typename CleanUp>
void MeasureCost(Trace& trace, const Facts& f, CostOf whose, Prepare prepare,
                 Deed deed, CleanUp clean_up) {
  const std::span spent = RoomForRounds();
  StayOnCpu(trace, f);
  Pace pace(trace, f, whose);
  const auto one = [&](CostRound* counted) {
    prepare();
    AwaitRound(f);
    const std::int64_t before = pace.Fill();
    if (counted != nullptr) MarkDeedBegins();
    const std::int64_t start = CostClock(whose);
    deed();
    const std::int64_t end = CostClock(whose);
    if (counted != nullptr) MarkDeedEnds();
    const std::int64_t after = pace.Fill();
    clean_up();
    if (counted != nullptr) *counted = {end - start, before + after};
  };
  one(nullptr);
  std::size_t rounds = 0;
  const std::int64_t start = CostClock(CostOf::kElapsed);
  while (rounds < FewestCostRounds(f) ||
         (rounds < kMostCostRounds && TakesMoreRounds(f, start))) {
    one(&spent[rounds++]);
  }
  trace.Set("rounds", static_cast<std::int64_t>(rounds) + 1);
  SetCost(trace, f, spent.first(rounds));
}

// What a cost case declares: the metrics of SetCost, of which a clock sets
// some.
std::vector<Metric> CostMetrics();

}  // namespace oomgate
