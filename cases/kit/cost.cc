// SPDX-License-Identifier: Apache-2.0
// Costs, read and reported. Rounds are counted here and not by a benchmark
// library: it would decide how many there are, and allocate between them.
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
  return f.emulated ? 5 : 60;
}

bool TakesMoreRounds(const Facts& f, std::int64_t since) {
  return f.instruction_ns == 0 && !f.emulated &&
         CostClock(CostOf::kElapsed) - since < 250'000'000;
}

void AwaitRound(const Facts& f) {
  if (f.instruction_ns == 0) return;
  constexpr std::int64_t kEvery = 100'000'000;
  const std::int64_t next = (CostClock(CostOf::kElapsed) / kEvery + 1) * kEvery;
  const timespec moment = {.tv_sec = next / 1'000'000'000,
                           .tv_nsec = next % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr);
}

// Of the size of a core's own cache, or less.
constexpr Bytes kFilled = 256_KiB;

Pace::Pace(Trace& trace, const Facts& f, CostOf whose) : whose_(whose) {
  if (f.instruction_ns > 0 || f.emulated) return;
  // Of one CPU: another would have another pace, and pages of its own.
  RunOnCpu(trace, sched_getcpu());
  memory_ = MapAnonymous(trace, kFilled);
  // A fork is not to copy it.
  if (const int error = TryAdvise(memory_, MADV_DONTFORK); error != 0) {
    trace.Stop("MADV_DONTFORK", error);
  }
  Fill();
}

Pace::~Pace() {
  if (memory_.start != nullptr) {
    munmap(memory_.start, static_cast<std::size_t>(kFilled.count));
  }
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

void SetCost(Trace& trace, const Facts& f, std::span<CostRound> rounds) {
  const auto rank = [&rounds](std::size_t rank, auto of) {
    std::ranges::sort(rounds, {}, of);
    return of(rounds[rank]);
  };
  const std::size_t middle = rounds.size() / 2;
  const auto cost = [](const CostRound& round) { return round.nanoseconds; };
  const std::int64_t median = rank(middle, cost);
  if (f.instruction_ns > 0) {
    trace.Set("instructions", median / f.instruction_ns);
    trace.Set("spread",
              (cost(rounds.back()) - cost(rounds.front())) / f.instruction_ns);
    return;
  }
  trace.Set("time_ns", median);
  trace.Set("time_ns_p10", cost(rounds[rounds.size() / 10]));
  if (f.emulated) return;
  trace.Set("fills", rank(middle, [](const CostRound& round) {
              return round.nanoseconds * 2 * Pace::kFills * 1000 /
                     std::max<std::int64_t>(round.filling, 1);
            }));
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
           .kind = Kind::kTime},
          {.name = "fills",
           .better = Better::kLower,
           .unit = "thousandths of a 256 KiB fill",
           .kind = Kind::kTime}};
}

}  // namespace oomgate
