// SPDX-License-Identifier: Apache-2.0
// Power of the rank test on normal noise, checked by simulation in the test.
#include "runner/compare/power.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace oomgate {
namespace {

// Smallest detectable shift × √pairs, in standard deviations. With many pairs
// (z.99 + z.90) × √2 = 5.1 for a test of means, a little more for ranks (their
// efficiency is 3/π). Few pairs have few ranks, and need more: by simulation.
double Factor(int pairs) {
  constexpr double kFew[] = {6.9, 6.5, 6.2, 6.1, 5.9};
  if (pairs < 10) return kFew[pairs - kFewestPairs];
  const boost::math::normal normal;
  const double z = quantile(normal, .99) + quantile(normal, .90);
  const double efficiency = 3 / boost::math::constants::pi<double>();
  return z * std::sqrt(2 / efficiency) * (1 + 1.0 / pairs);
}

}  // namespace

double CoefficientOfVariation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double count = values.size();
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (squares == 0) return 0;
  return std::sqrt(squares / (count - 1)) / std::abs(mean);
}

double SmallestDetectable(double variation, int pairs) {
  if (pairs < kFewestPairs) return std::numeric_limits<double>::infinity();
  return Factor(pairs) * variation / std::sqrt(pairs);
}

int PairsNeeded(double variation, double effect) {
  const double many = SmallestDetectable(variation, 1'000'000);
  const double estimate = std::pow(many * 1000 / effect, 2);
  if (estimate >= 1'000'000) return 1'000'000;
  int pairs = std::max(kFewestPairs, static_cast<int>(estimate));
  while (SmallestDetectable(variation, pairs) > effect) ++pairs;
  return pairs;
}

}  // namespace oomgate
