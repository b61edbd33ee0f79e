// SPDX-License-Identifier: Apache-2.0
// Where a stretch of values is best split into levels, and whether it is more
// than chance: maximally selected rank statistics.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace oomgate {

// p below this is more than chance.
inline constexpr double kSplitAlpha = .01;

struct RankSplit {
  // Index of the first value of the second part; where the level changes for a
  // while only, that of the third, too.
  std::vector<std::size_t> at;
  double p = 1;  // two-sided, for having chosen the best of all splits
};

// The best split into two, or, where that is chance, the best passing change. A
// part has at least `edge` values. Without a split p is 1.
//
// p of a split into two is, up to 50 values, that of 999 permutations, always
// the same ones; beyond, the limit of Miller & Siegmund (Biometrics 38, 1982),
// as Lausen & Schumacher (Biometrics 48, 1992) use it for ranks. p of a passing
// change is Bonferroni's: a bound, as every begin and end is a try.
RankSplit BestRankSplit(std::span<const double> values, std::size_t edge);

}  // namespace oomgate
