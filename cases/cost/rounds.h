// SPDX-License-Identifier: Apache-2.0
// What cost cases share: an oracle that asks whether each round did its deed,
// since a cost of something else would say nothing; and what those of huge
// pages and of the TLB need.
#pragma once

#include "oomgate/case.h"
#include "oomgate/cost.h"

namespace oomgate::cost {

// It measured something, and what was done is `done` for each round, or up to
// `other` more.
inline Oracle EachRoundDid(const Facts& f, std::int64_t done,
                           std::int64_t other = 0) {
  const auto percent = [](std::int64_t count) {
    return 100.0 * static_cast<double>(count);
  };
  return AllOf(
      Survives(),
      Percent("done", "rounds", Between(percent(done), percent(done + other))),
      Count(f.instruction_ns > 0 ? "instructions" : "time_ns", Gt(0)));
}

// What is expected of a case whose rounds all do that many.
template <std::int64_t kDone>
Oracle EachRoundDid(const Params&, const Facts& f) {
  return EachRoundDid(f, kDone);
}

// A case, with what all of them have in common.
inline Case Costs(Case definition) {
  definition.look_at =
      "done: a round that did not do all of it; a cost only against a run of "
      "the same shape";
  definition.metrics = CostMetrics();
  definition.timeout_seconds = 120;
  return definition;
}

// A guest that gives huge pages where they are asked for.
inline Needs HugeGuest() {
  return {.memory = 512_MiB,
          .settings = {kThpKnobs.With("enabled", "madvise"),
                       kThpKnobs.With("use_zero_page", "1")}};
}

inline MapOptions::Pages PagesOf(const Params& p) {
  return p["pages"] == "huge" ? MapOptions::kHuge : MapOptions::kSmall;
}

// So many faults at first, none later: but for up to four of the program and
// its stack, whose pages are touched for the first time.
inline Oracle FaultsAtFirst(std::int64_t faults) {
  return AllOf(Count("faults", Between(faults, faults + 4)),
               Count("later_faults", Le(4)));
}

// Picoseconds for each of the steps that a deed does, in the best of 7 rounds.
template <typename Deed>
std::int64_t BestStep(std::int64_t steps, Deed deed) {
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < 7; ++round) {
    const std::int64_t start = CostClock(CostOf::kThread);
    deed();
    best = std::min(best, (CostClock(CostOf::kThread) - start) * 1000 / steps);
  }
  return best;
}

}  // namespace oomgate::cost
