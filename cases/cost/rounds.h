// SPDX-License-Identifier: Apache-2.0
// What cost cases share: an oracle that asks whether each round did its deed,
// since a cost of something else would say nothing.
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

}  // namespace oomgate::cost
