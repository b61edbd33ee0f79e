// SPDX-License-Identifier: Apache-2.0
// What cost cases share: an oracle that asks whether each round did its deed,
// since a cost of something else would say nothing.
#pragma once

#include "oomgate/case.h"
#include "oomgate/cost.h"

namespace oomgate::cost {

// The warm-up counts, too.
inline std::int64_t AllRounds(const Facts& f) { return CostRounds(f) + 1; }

// It measured something, and what was done in all rounds together is `done`.
inline Oracle EachRoundDid(const Facts& f, std::int64_t done) {
  return AllOf(Survives(), Count("done", Eq(done)),
               Count(f.instruction_ns > 0 ? "instructions" : "time_ns", Gt(0)));
}

inline constexpr const char* kLookAt =
    "done: a round that did not do all of it; a cost only against a run of the "
    "same shape";

}  // namespace oomgate::cost
