// SPDX-License-Identifier: Apache-2.0
// Two kernels, or any two ways to run the same cases, in adjacent pairs whose
// order is drawn by lot: what drifts on the machine meets both alike.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "oomgate/model/run.h"
#include "runner/run_cases.h"

namespace oomgate {

struct AbPairs {
  std::vector<Run> a;
  std::vector<Run> b;
  bool interrupted = false;  // the last pair is then incomplete, and left out
};

// Does a run; `what` says which of them it is: "pair 3 of 10, run 2 of 10, B".
using RunOne =
    std::function<Run(const RunOptions& options, const std::string& what)>;

// For each pair whether B goes first: half of them, by lot.
std::vector<bool> PairOrder(int pairs, std::uint32_t seed);

struct PairPlan {
  int pairs = 10;
  // Runs of a side of a pair, of which BestOf makes its sample: where times are
  // noisy (HasNoisyTimes). Else one.
  int best_of = 10;
  std::uint32_t seed = 1;
};

AbPairs RunPairs(const RunOptions& a, const RunOptions& b, const PairPlan& plan,
                 const RunOne& run_one);

// The same again, of `instances` only, whatever their suite: fresh samples that
// confirm what the first ones seemed to show, or do not.
AbPairs ConfirmPairs(RunOptions a, RunOptions b,
                     const std::vector<std::string>& instances,
                     const PairPlan& plan, const RunOne& run_one);

}  // namespace oomgate
