// SPDX-License-Identifier: Apache-2.0
// The Mann-Whitney test: whether one sample is larger than another, whatever
// their distribution.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace oomgate {

// Up to this many values together the p is exact.
inline constexpr std::size_t kExactUpTo = 60;

// One-sided p: how likely the ranks of `candidate` would be at least as large
// as they are, were both samples of one distribution. Exact, ties or not (by
// counting over all assignments of the midranks), up to kExactUpTo values; the
// normal approximation with corrections for ties and continuity beyond. 1 where
// a sample is empty. For "smaller", exchange the samples.
double RankTestLarger(std::span<const double> base,
                      std::span<const double> candidate);

// Twice each value's rank among all, tied ones sharing the mean of theirs:
// whole numbers.
std::vector<int> DoubledMidranks(std::span<const double> values);

}  // namespace oomgate
