// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/mann_whitney.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace oomgate {
namespace {

using Values = std::vector<double>;

// Two samples of n values whose U, for the candidate being smaller, is `u`:
// the candidate's values all lie below, then one after the other moves up.
double PForU(int n, int u) {
  Values base;
  Values candidate;
  for (int i = 0; i < n; ++i) base.push_back(2 * i);
  for (int i = 0; i < n; ++i) candidate.push_back(-2 * n + 2 * i);
  for (int i = n - 1; i >= 0 && u > 0; --i) {
    const int steps = std::min(u, n);
    candidate[i] = 2 * steps - 1 + .01 * i;  // above `steps` of the base
    u -= steps;
  }
  return RankTestLarger(candidate, base);
}

// Critical values of U for one-tailed tests: the largest that is significant.
// Published as tables since Mann & Whitney 1947 and Auble 1953, as in Siegel,
// "Nonparametric Statistics" (1956), tables J and K.
TEST(RankTest, HasTheCriticalValuesOfPublishedTables) {
  struct Row {
    int n, at_05, at_01;  // -1: none
  };
  for (const Row& row :
       {Row{3, 0, -1}, Row{4, 1, -1}, Row{5, 4, 1}, Row{6, 7, 3}, Row{7, 11, 6},
        Row{8, 15, 9}, Row{9, 21, 14}, Row{10, 27, 19}, Row{12, 42, 31},
        Row{15, 72, 56}, Row{20, 138, 114}}) {
    EXPECT_LE(PForU(row.n, row.at_05), .05 + 1e-12) << row.n;
    EXPECT_GT(PForU(row.n, row.at_05 + 1), .05) << row.n;
    if (row.at_01 >= 0) {
      EXPECT_LE(PForU(row.n, row.at_01), .01) << row.n;
    }
    EXPECT_GT(PForU(row.n, row.at_01 + 1), .01) << row.n;
  }
}

TEST(RankTest, CompleteSeparationIsOneOfAllChoices) {
  const Values low = {1, 2, 3, 4, 5};
  const Values high = {11, 12, 13, 14, 15};
  EXPECT_NEAR(RankTestLarger(low, high), 1.0 / 252, 1e-12);  // C(10, 5)
  EXPECT_NEAR(RankTestLarger(high, low), 1, 1e-12);
  const std::span<const double> three(low.data(), 3);
  EXPECT_NEAR(RankTestLarger(three, std::span(high.data(), 3)), .05, 1e-12);
}

// By hand: of the 6 choices of two among the midranks 1, 2.5, 2.5, 4, the
// candidate's 6.5 or more is the sum of two.
TEST(RankTest, SharesTheRanksOfTies) {
  const Values base = {1, 2};
  const Values candidate = {2, 3};
  EXPECT_EQ(DoubledMidranks(Values{1, 2, 2, 3}),
            (std::vector<int>{2, 5, 5, 8}));
  EXPECT_NEAR(RankTestLarger(base, candidate), 2.0 / 6, 1e-12);
  EXPECT_NEAR(RankTestLarger(candidate, base), 1, 1e-12);
}

TEST(RankTest, SaysNothingOfEqualOrMissingValues) {
  const Values same(10, 7.0);
  const Values many(100, 7.0);
  EXPECT_EQ(RankTestLarger(same, same), 1);
  EXPECT_EQ(RankTestLarger(many, many), 1);
  EXPECT_EQ(RankTestLarger({}, same), 1);
  EXPECT_EQ(RankTestLarger(same, {}), 1);
}

// Sides of other sizes: the smaller one is counted, whichever it is.
TEST(RankTest, CountsTheSameFromEitherSide) {
  const Values few = {3, 8};
  const Values more = {1, 2, 4, 5, 6, 7, 9};
  // Of the 36 sums of two ranks among 1 … 9, 12 are above 11, 4 are 11.
  EXPECT_NEAR(RankTestLarger(more, few), 16.0 / 36, 1e-12);
  EXPECT_NEAR(RankTestLarger(few, more), 24.0 / 36, 1e-12);
  EXPECT_NEAR(RankTestLarger(more, Values{8, 10}), 2.0 / 36, 1e-12);
  EXPECT_NEAR(RankTestLarger(Values{0, 2.5}, more), 4.0 / 36, 1e-12);
}

TEST(RankTest, MeetsTheNormalLimitWhereItChangesOver) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> coarse(0, 20);  // many ties
  for (int round = 0; round < 20; ++round) {
    Values base;
    Values candidate;
    for (int i = 0; i < 30; ++i) base.push_back(coarse(random));
    for (int i = 0; i < 30; ++i)
      candidate.push_back(coarse(random) + round / 4);
    const double exact = RankTestLarger(base, candidate);
    // One value more in the middle of the base moves p little.
    base.push_back(10);
    const double normal = RankTestLarger(base, candidate);
    EXPECT_NEAR(normal, exact, .03 + exact / 10) << round;
  }
}

// Under no difference p < .01 in at most 1 % of all tries.
TEST(RankTest, RaisesNoMoreFalseAlarmsThanItSays) {
  std::mt19937 random(2);
  std::lognormal_distribution<double> noise(0, .3);
  int alarms = 0;
  constexpr int kTries = 20'000;
  for (int i = 0; i < kTries; ++i) {
    Values base(10);
    Values candidate(10);
    for (double& value : base) value = noise(random);
    for (double& value : candidate) value = noise(random);
    alarms += RankTestLarger(base, candidate) < .01;
  }
  EXPECT_LE(alarms, kTries * .0125);
  EXPECT_GE(alarms, kTries * .005);  // the test is not asleep either
}

}  // namespace
}  // namespace oomgate
