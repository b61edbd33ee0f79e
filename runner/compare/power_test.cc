// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/power.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "runner/compare/mann_whitney.h"

namespace oomgate {
namespace {

// How often the rank test sees a shift of `effect` on noise of 10 %.
double PowerAt(double effect, int pairs, int tries) {
  std::mt19937 random(pairs);
  std::normal_distribution<double> noise(100, 10);
  int seen = 0;
  for (int i = 0; i < tries; ++i) {
    std::vector<double> base(pairs);
    std::vector<double> candidate(pairs);
    for (double& value : base) value = noise(random);
    for (double& value : candidate) value = noise(random) + 100 * effect;
    seen += RankTestLarger(base, candidate) < .01;
  }
  return static_cast<double>(seen) / tries;
}

TEST(SmallestDetectable, IsSeenInNineOfTenTries) {
  for (const int pairs : {5, 6, 7, 8, 9, 10, 15, 20, 40}) {
    const double effect = SmallestDetectable(.10, pairs);
    EXPECT_NEAR(PowerAt(effect, pairs, 3000), .9, .025) << pairs;
  }
}

TEST(SmallestDetectable, IsNothingWithTooFewPairs) {
  EXPECT_EQ(SmallestDetectable(.01, kFewestPairs - 1), INFINITY);
  EXPECT_EQ(SmallestDetectable(0, 10), 0);
}

TEST(PairsNeeded, IsTheInverse) {
  for (const double variation : {.01, .05, .13, .40}) {
    for (const double effect : {.03, .10, .25}) {
      const int pairs = PairsNeeded(variation, effect);
      EXPECT_LE(SmallestDetectable(variation, pairs), effect);
      EXPECT_GT(SmallestDetectable(variation, pairs - 1), effect);
    }
  }
  EXPECT_EQ(PairsNeeded(0, .01), kFewestPairs);
}

TEST(CoefficientOfVariation, IsTheDeviationAsAShare) {
  EXPECT_NEAR(CoefficientOfVariation(std::vector<double>{90, 110}),
              std::sqrt(200) / 100, 1e-12);
  EXPECT_EQ(CoefficientOfVariation(std::vector<double>{5}), 0);
  EXPECT_EQ(CoefficientOfVariation(std::vector<double>{0, 0}), 0);
}

}  // namespace
}  // namespace oomgate
