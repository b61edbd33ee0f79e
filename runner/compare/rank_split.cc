// SPDX-License-Identifier: Apache-2.0
// Sums of ranks up to each value give the rank statistic of every split, and
// their differences that of every stretch.
#include "runner/compare/rank_split.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>

#include "runner/compare/mann_whitney.h"

namespace oomgate {
namespace {

constexpr std::size_t kPermuteUpTo = 50;
constexpr int kPermutations = 999;

// Doubled ranks less their mean. 32 bits hold the sums of 90,000 of them.
struct Ranks {
  std::vector<std::int32_t> centred;
  double squares = 0;  // the sum of their squares

  explicit Ranks(std::span<const double> values) {
    centred = DoubledMidranks(values);
    for (std::int32_t& rank : centred) {
      rank -= static_cast<std::int32_t>(values.size() + 1);
      squares += static_cast<double>(rank) * rank;
    }
  }
  // The statistic, squared, of a sum over `count` ranks.
  double Z2(double sum, double count) const {
    const double n = static_cast<double>(centred.size());
    const double variance = squares / (n * (n - 1)) * count * (n - count);
    return sum * sum / variance;
  }
};

struct Best {
  std::size_t at = 0;
  double z2 = 0;
};

Best BestInTwo(const Ranks& ranks, std::size_t edge) {
  const std::size_t n = ranks.centred.size();
  Best best;
  std::int32_t sum = 0;
  for (std::size_t at = 1; at + edge <= n; ++at) {
    sum += ranks.centred[at - 1];
    if (at < edge) continue;
    const double z2 = ranks.Z2(sum, at);
    if (z2 > best.z2) best = {at, z2};
  }
  return best;
}

// The share of permutations that split at least as well; stops where that is
// certain to be too large.
double PermutationP(Ranks ranks, std::size_t edge, double z2) {
  std::mt19937 random(1);
  int as_good = 1;  // the order as it is
  for (int i = 0; i < kPermutations; ++i) {
    std::ranges::shuffle(ranks.centred, random);
    as_good += BestInTwo(ranks, edge).z2 >= z2 * (1 - 1e-12);
    if (as_good > kSplitAlpha * (kPermutations + 1)) return 1;
  }
  return static_cast<double>(as_good) / (kPermutations + 1);
}

double LimitP(double z, double edge_share) {
  const double density = boost::math::pdf(boost::math::normal(), z);
  const double odds = (1 - edge_share) / edge_share;
  return std::min(1.0, density * ((z - 1 / z) * std::log(odds * odds) + 4 / z));
}

RankSplit InTwo(const Ranks& ranks, std::size_t edge) {
  const std::size_t n = ranks.centred.size();
  const Best best = BestInTwo(ranks, edge);
  const double z = std::sqrt(best.z2);
  const boost::math::normal normal;
  // Not even had it been the only split.
  if (z < quantile(normal, 1 - kSplitAlpha / 2)) return {};
  return {{best.at},
          n <= kPermuteUpTo ? PermutationP(ranks, edge, best.z2)
                            : LimitP(z, static_cast<double>(edge) / n)};
}

RankSplit Passing(const Ranks& ranks, std::size_t edge) {
  const std::size_t n = ranks.centred.size();
  if (n < 3 * edge) return {};
  std::vector<std::int32_t> sums(n + 1);  // of all ranks before
  std::inclusive_scan(ranks.centred.begin(), ranks.centred.end(),
                      sums.begin() + 1);
  double z2 = 0;
  std::size_t length = 0;
  std::int32_t sum = 0;
  double tries = 0;
  for (std::size_t m = edge; m + 2 * edge <= n; ++m) {
    std::int32_t most = 0;
    std::int32_t least = 0;
    const std::size_t last = n - edge - m;
    for (std::size_t i = edge; i <= last; ++i) {
      const std::int32_t inside = sums[i + m] - sums[i];
      most = std::max(most, inside);
      least = std::min(least, inside);
    }
    tries += static_cast<double>(last - edge + 1);
    const std::int32_t extreme = most > -least ? most : least;
    if (ranks.Z2(extreme, m) <= z2) continue;
    z2 = ranks.Z2(extreme, m);
    length = m;
    sum = extreme;
  }
  if (length == 0) return {};
  std::size_t begin = edge;
  while (sums[begin + length] - sums[begin] != sum) ++begin;
  const boost::math::normal normal;
  const double p = 2 * cdf(complement(normal, std::sqrt(z2))) * tries;
  return {{begin, begin + length}, std::min(1.0, p)};
}

}  // namespace

RankSplit BestRankSplit(std::span<const double> values, std::size_t edge) {
  if (values.size() < 2 * edge) return {};
  const Ranks ranks(values);
  if (ranks.squares == 0) return {};  // one value only
  RankSplit split = InTwo(ranks, edge);
  return split.p < kSplitAlpha ? split : Passing(ranks, edge);
}

}  // namespace oomgate
