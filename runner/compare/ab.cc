// SPDX-License-Identifier: Apache-2.0
// Pair after pair; the runs of both sides of one take turns.
#include "runner/compare/ab.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "runner/compare/best_of.h"

namespace oomgate {

std::vector<bool> PairOrder(int pairs, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<bool> order(pairs, false);
  // Of an odd number, the one in the middle is drawn, too.
  const int half = (pairs + static_cast<int>(random() >> 31)) / 2;
  std::fill_n(order.begin(), half, true);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

AbPairs RunPairs(const RunOptions& a, const RunOptions& b, const PairPlan& plan,
                 const RunOne& run_one) {
  AbPairs done;
  const std::vector<bool> order = PairOrder(plan.pairs, plan.seed);
  int times = plan.best_of;
  bool noisy = false;  // a run of either side, so far
  for (int i = 0; i < plan.pairs; ++i) {
    std::vector<Run> runs[2];
    for (int n = 0; n < times; ++n) {
      for (const bool is_b : {bool{order[i]}, !order[i]}) {
        const std::string which =
            times > 1 ? fmt::format(", run {} of {}", n + 1, times) : "";
        Run run = run_one(is_b ? b : a,
                          fmt::format("pair {} of {}{}, {}", i + 1, plan.pairs,
                                      which, is_b ? "B" : "A"));
        if (run.interrupted) {
          done.interrupted = true;
          return done;
        }
        noisy |= HasNoisyTimes(run);
        runs[is_b].push_back(std::move(run));
      }
      if (!noisy) times = 1;
    }
    done.a.push_back(BestOf(std::move(runs[0])));
    done.b.push_back(BestOf(std::move(runs[1])));
  }
  return done;
}

AbPairs ConfirmPairs(RunOptions a, RunOptions b,
                     const std::vector<std::string>& instances,
                     const PairPlan& plan, const RunOne& run_one) {
  if (instances.empty()) return {};
  for (RunOptions* side : {&a, &b}) {
    side->patterns = instances;
    side->suite = Suite::kNightly;
  }
  return RunPairs(a, b, plan, run_one);
}

}  // namespace oomgate
