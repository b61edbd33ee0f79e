// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/false_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace oomgate {
namespace {

using ::testing::ElementsAre;

// The worked example of Benjamini & Hochberg, J. R. Statist. Soc. B 57 (1995),
// section 4.1: at a rate of .05 the first four of 15 are rejected.
TEST(FalseDiscovery, RejectsWhatThePublishedExampleRejects) {
  const std::vector<double> ps = {.0001, .0004, .0019, .0095, .0201,
                                  .0278, .0298, .0344, .0459, .3240,
                                  .4262, .5719, .6528, .7590, 1.000};
  const std::vector<double> adjusted = FalseDiscoveryAdjusted(ps);
  EXPECT_EQ(std::ranges::count_if(adjusted, [](double p) { return p <= .05; }),
            4);
  EXPECT_LE(adjusted[3], .05);
  EXPECT_NEAR(adjusted[3], .0095 * 15 / 4, 1e-12);
  EXPECT_NEAR(adjusted[4], .0201 * 15 / 5, 1e-12);
  // Of p = .0278 and the two after it, the smallest is that of .0298.
  EXPECT_NEAR(adjusted[5], .0298 * 15 / 7, 1e-12);
}

TEST(FalseDiscovery, KeepsTheOrderGiven) {
  EXPECT_THAT(FalseDiscoveryAdjusted(std::vector{.04, .01, 1.0, .03}),
              ElementsAre(::testing::DoubleNear(.16 / 3, 1e-12), .04, 1.0,
                          ::testing::DoubleNear(.16 / 3, 1e-12)));
  EXPECT_TRUE(FalseDiscoveryAdjusted({}).empty());
}

TEST(FalseDiscovery, OneTestStaysAsItIs) {
  EXPECT_THAT(FalseDiscoveryAdjusted(std::vector{.009}), ElementsAre(.009));
}

}  // namespace
}  // namespace oomgate
