// SPDX-License-Identifier: Apache-2.0
// What a comparison could have seen: the smallest effect for a number of pairs,
// and the pairs for an effect. At p < .01 one-sided, in nine of ten tries.
#pragma once

#include <span>

namespace oomgate {

// Below this, no outcome of the rank test reaches p < .01.
inline constexpr int kFewestPairs = 5;

// Standard deviation as a share of the mean; 0 for less than two values.
double CoefficientOfVariation(std::span<const double> values);

// The smallest relative shift that the rank test shows with `pairs` values on
// each side, of a metric with this coefficient of variation. Infinite below
// kFewestPairs.
double SmallestDetectable(double variation, int pairs);

// The fewest pairs that show a relative shift of `effect`, which is above 0.
int PairsNeeded(double variation, double effect);

}  // namespace oomgate
