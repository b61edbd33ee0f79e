// SPDX-License-Identifier: Apache-2.0
// Mann-Whitney by counting where that is cheap, by its normal limit elsewhere.
#include "runner/compare/mann_whitney.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numeric>
#include <utility>

namespace oomgate {
namespace {

// By sum, how many ways there are to choose `size` of the doubled ranks: in
// doubles, as only ratios matter and C(60, 30) passes 2^53. `most` is the sum
// of all of them.
std::vector<double> WaysBySum(const std::vector<int>& ranks, std::size_t size,
                              int most) {
  const std::size_t width = most + 1;
  std::vector<double> counts((size + 1) * width, 0.0);  // a row per number
  counts[0] = 1;
  int reached = 0;
  std::size_t seen = 0;
  for (const int rank : ranks) {
    // With this rank, downwards: row k - 1 is still the one without it.
    for (std::size_t k = std::min(size, ++seen); k > 0; --k) {
      const double* const without = &counts[(k - 1) * width];
      double* const with = &counts[k * width + rank];
      for (int sum = 0; sum <= reached; ++sum) with[sum] += without[sum];
    }
    reached += rank;
  }
  return {counts.end() - width, counts.end()};
}

double ExactP(const std::vector<int>& ranks, std::size_t n, std::size_t m,
              int sum) {
  const int most = std::accumulate(ranks.begin(), ranks.end(), 0);
  const std::vector<double> ways = WaysBySum(ranks, std::min(n, m), most);
  // The candidate's sum is large where the base's is small: count the fewer.
  const auto [first, last] =
      m <= n ? std::pair{ways.begin() + sum, ways.end()}
             : std::pair{ways.begin(), ways.begin() + (most - sum) + 1};
  return std::accumulate(first, last, 0.0) /
         std::accumulate(ways.begin(), ways.end(), 0.0);
}

double NormalP(const std::vector<int>& ranks, double n, double m,
               double doubled_sum) {
  const double total = n + m;
  const double mean = total + 1;  // of a doubled rank
  double squares = 0;
  for (const int rank : ranks) squares += (rank - mean) * (rank - mean);
  // Of the sum of m ranks drawn without replacement: ties are in `squares`.
  const double variance = m * n / (total * (total - 1)) * squares;
  if (variance == 0) return 1;
  // 1 is half a rank: the continuity correction.
  const double z = (doubled_sum - m * mean - 1) / std::sqrt(variance);
  return boost::math::cdf(complement(boost::math::normal(), z));
}

}  // namespace

std::vector<int> DoubledMidranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<int> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) {
      ++end;
    }
    // Ranks first+1 … end: twice their mean.
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = first + 1 + end;
    first = end;
  }
  return ranks;
}

double RankTestLarger(std::span<const double> base,
                      std::span<const double> candidate) {
  if (base.empty() || candidate.empty()) return 1;
  std::vector<double> all(base.begin(), base.end());
  all.insert(all.end(), candidate.begin(), candidate.end());
  const std::vector<int> ranks = DoubledMidranks(all);
  const int sum = std::accumulate(ranks.begin() + base.size(), ranks.end(), 0);
  return all.size() <= kExactUpTo
             ? ExactP(ranks, base.size(), candidate.size(), sum)
             : NormalP(ranks, base.size(), candidate.size(), sum);
}

}  // namespace oomgate
