// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/shift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace oomgate {
namespace {

using Values = std::vector<double>;

TEST(Shift, IsTheMedianOfAllDifferences) {
  EXPECT_EQ(Shift(Values{1, 2, 3}, Values{11, 12, 13}), 10);
  // Differences 0, 1, 2, -1, 0, 1: their middle two are 0 and 1.
  EXPECT_EQ(Shift(Values{1, 2}, Values{1, 2, 3}), .5);
  EXPECT_EQ(Shift(Values{}, Values{1}), 0);
}

// Permeability data of Hollander & Wolfe, "Nonparametric Statistical Methods"
// (1999), table 4.1: their estimate is .305, the larger minus the smaller.
TEST(Shift, AgreesWithAPublishedExample) {
  const Values at_term = {.80,  .83,  1.89, 1.04, 1.45,
                          1.38, 1.91, 1.64, .73,  1.46};
  const Values early = {1.15, .88, .90, .74, 1.21};
  EXPECT_NEAR(Shift(early, at_term), .305, 1e-9);
}

TEST(Shift, HardlySeesAnOutlier) {
  EXPECT_NEAR(Shift(Values{10, 11, 12, 13, 14}, Values{10, 11, 12, 13, 9000}),
              0, 1);
}

TEST(RelativeShift, IsAShareOfTheBase) {
  EXPECT_DOUBLE_EQ(RelativeShift(Values{100, 100}, Values{103, 103}), .03);
  EXPECT_DOUBLE_EQ(RelativeShift(Values{-100}, Values{-97}), .03);
  EXPECT_EQ(RelativeShift(Values{0, 0}, Values{0, 0}), 0);
  EXPECT_EQ(RelativeShift(Values{0, 0}, Values{-1, -1}), -INFINITY);
}

TEST(Median, TakesTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(Median(Values{3, 1, 2}), 2);
  EXPECT_EQ(Median(Values{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Median(Values{}), 0);
}

}  // namespace
}  // namespace oomgate
