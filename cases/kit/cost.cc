// SPDX-License-Identifier: Apache-2.0
// Costs, read and reported. Rounds are counted here and not by a benchmark
// library, which would allocate between them and keep no round's own cost.
#include "oomgate/cost.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "oomgate/process.h"

namespace oomgate {

std::int64_t CostClock(CostOf whose) {
  timespec now = {};
  clock_gettime(
      whose == CostOf::kThread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
      &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::size_t FewestCostRounds(const Facts& f) {
  if (f.instruction_ns > 0) return 7;
  return f.emulated ? 5 : 10;
}

// Neither exact nor told by an emulated CPU.
bool IsNoisy(const Facts& f) { return f.instruction_ns == 0 && !f.emulated; }

bool TakesMoreRounds(const Facts& f, std::int64_t since) {
  return IsNoisy(f) && CostClock(CostOf::kElapsed) - since < 100'000'000;
}

void StayOnCpu(Trace& trace, const Facts& f) {
  if (IsNoisy(f)) RunOnCpu(trace, sched_getcpu());
}

void AwaitRound(const Facts& f, std::int64_t every) {
  if (f.instruction_ns == 0) return;
  const std::int64_t next = (CostClock(CostOf::kElapsed) / every + 1) * every;
  const timespec moment = {.tv_sec = next / 1'000'000'000,
                           .tv_nsec = next % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr);
}

// Of the size of a core's own cache, or less.
constexpr Bytes kFilled = 256_KiB;

Pace::Pace(Trace& trace, const Facts& f, CostOf whose)
    : trace_(trace), whose_(whose) {
  if (!IsNoisy(f)) return;
  memory_ = MapAnonymous(trace, kFilled);
  // A fork is not to copy it.
  if (const int error = TryAdvise(memory_, MADV_DONTFORK); error != 0) {
    trace.Stop("MADV_DONTFORK", error);
  }
  Fill();
}

Pace::~Pace() {
  if (memory_.start != nullptr) Unmap(trace_, memory_);
}

std::int64_t Pace::Fill() {
  if (memory_.start == nullptr) return 0;
  const std::int64_t start = CostClock(whose_);
  for (int fill = 1; fill <= kFills; ++fill) {
    std::memset(memory_.start, fill, static_cast<std::size_t>(kFilled.count));
    asm volatile("" ::: "memory");  // each of them, not just the last
  }
  return CostClock(whose_) - start;
}

std::span<CostRound, kMostCostRounds> RoomForRounds() {
  static CostRound rounds[kMostCostRounds];
  return rounds;
}

void SetCost(Trace& trace, const Facts& f, std::span<CostRound> rounds) {
  const std::size_t middle = rounds.size() / 2;
  std::ranges::sort(rounds, {}, &CostRound::nanoseconds);
  const std::int64_t median = rounds[middle].nanoseconds;
  if (f.instruction_ns > 0) {
    trace.Set("instructions", median / f.instruction_ns);
    trace.Set("spread",
              (rounds.back().nanoseconds - rounds.front().nanoseconds) /
                  f.instruction_ns);
    return;
  }
  trace.Set("time_ns", median);
  trace.Set("time_ns_p10", rounds[rounds.size() / 10].nanoseconds);
  if (!IsNoisy(f)) return;
  const auto in_fills = [](const CostRound& round) {
    return round.nanoseconds * 2 * Pace::kFills * 1000 /
           std::max<std::int64_t>(round.filling, 1);
  };
  std::ranges::sort(rounds, {}, in_fills);
  trace.Set("fills", in_fills(rounds[middle]));
}

std::vector<Metric> CostMetrics() {
  return {{.name = "instructions",
           .better = Better::kLower,
           .unit = "instructions",
           .kind = Kind::kInstructions},
          Metric::Time("time_ns", "ns"),
          Metric::Time("time_ns_p10", "ns"),
          Metric::Time("fills", "thousandths of a 256 KiB fill")};
}

}  // namespace oomgate
