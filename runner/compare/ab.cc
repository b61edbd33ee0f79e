// SPDX-License-Identifier: Apache-2.0
// Pair after pair, each side of one a run of its own.
#include "runner/compare/ab.h"

#include <algorithm>
#include <random>

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

AbPairs RunPairs(const RunOptions& a, const RunOptions& b, int pairs,
                 std::uint32_t seed, const RunOne& run_one) {
  AbPairs done;
  const std::vector<bool> order = PairOrder(pairs, seed);
  for (int i = 0; i < pairs; ++i) {
    Run runs[2];
    for (const bool is_b : {bool{order[i]}, !order[i]}) {
      const std::string what = "pair " + std::to_string(i + 1) + " of " +
                               std::to_string(pairs) + (is_b ? ", B" : ", A");
      runs[is_b] = run_one(is_b ? b : a, what);
      if (runs[is_b].interrupted) {
        done.interrupted = true;
        return done;
      }
    }
    done.a.push_back(std::move(runs[0]));
    done.b.push_back(std::move(runs[1]));
  }
  return done;
}

AbPairs ConfirmPairs(RunOptions a, RunOptions b,
                     const std::vector<std::string>& instances, int pairs,
                     std::uint32_t seed, const RunOne& run_one) {
  if (instances.empty()) return {};
  for (RunOptions* side : {&a, &b}) {
    side->patterns = instances;
    side->suite = Suite::kNightly;
  }
  return RunPairs(a, b, pairs, seed, run_one);
}

}  // namespace oomgate
