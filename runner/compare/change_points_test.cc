// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/change_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace oomgate {
namespace {

using Values = std::vector<double>;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Guard kTime = GuardOf({.name = "t", .kind = Kind::kTime});
const Guard kExact = GuardOf({.name = "n", .kind = Kind::kExact});

// `count` values more around `level`, with noise of 5 %.
void Add(Values& values, int count, double level, std::mt19937& random) {
  std::normal_distribution<double> noise(1, .05);
  for (int i = 0; i < count; ++i) values.push_back(level * noise(random));
}

std::vector<std::size_t> Places(const std::vector<ChangePoint>& points) {
  std::vector<std::size_t> places;
  for (const ChangePoint& point : points) places.push_back(point.at);
  return places;
}

TEST(ChangePoints, FindsEachLevelOfAStaircase) {
  std::mt19937 random(1);
  Values values;
  Add(values, 100, 100, random);
  Add(values, 40, 120, random);
  Add(values, 60, 90, random);
  const auto points = FindChangePoints(values, kTime);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_NEAR(points[0].at, 100, 2);
  EXPECT_NEAR(points[1].at, 140, 2);
  EXPECT_NEAR(points[0].before, 100, 2);
  EXPECT_NEAR(points[0].now, 120, 2);
  EXPECT_NEAR(points[1].now, 90, 2);
  EXPECT_LT(points[0].p, .01);
  EXPECT_TRUE(points[0].confirmed && points[1].confirmed);
}

TEST(ChangePoints, FindsAPassingRegression) {
  std::mt19937 random(2);
  Values values;
  Add(values, 30, 100, random);
  Add(values, 20, 130, random);
  Add(values, 30, 100, random);
  EXPECT_THAT(Places(FindChangePoints(values, kTime)), ElementsAre(30, 50));
}

TEST(ChangePoints, FiveOnEitherSideAreEnough) {
  EXPECT_THAT(Places(FindChangePoints(
                  Values{10, 11, 12, 13, 14, 20, 21, 22, 23, 24}, kTime)),
              ElementsAre(5));
}

TEST(ChangePoints, AnOutlierIsNone) {
  std::mt19937 random(3);
  Values values;
  Add(values, 30, 100, random);
  values[12] = 9000;
  values[20] = 1;
  EXPECT_THAT(FindChangePoints(values, kTime), IsEmpty());
  values.back() = 9000;
  EXPECT_THAT(FindChangePoints(values, kTime), IsEmpty());
}

// Certain, as there is hardly noise, but too small to matter.
TEST(ChangePoints, TheGuardHoldsBackTrifles) {
  Values values;
  for (int i = 0; i < 40; ++i) values.push_back(1000 + i % 5);
  for (int i = 0; i < 40; ++i) values.push_back(1020 + i % 5);
  EXPECT_THAT(FindChangePoints(values, kTime), IsEmpty());
  EXPECT_THAT(Places(FindChangePoints(
                  values, GuardOf({.name = "i", .kind = Kind::kInstructions}))),
              ElementsAre(40));
  EXPECT_THAT(
      FindChangePoints(
          values,
          GuardOf({.name = "b", .kind = Kind::kBounded, .tolerance = 30})),
      IsEmpty());
}

TEST(ChangePoints, TooFewValuesAfterItMakeItSuspect) {
  std::mt19937 random(4);
  Values values;
  Add(values, 50, 100, random);
  Add(values, 3, 150, random);
  const auto points = FindChangePoints(values, kTime);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].at, 50u);
  EXPECT_FALSE(points[0].confirmed);
  EXPECT_NEAR(points[0].now, 150, 15);
  Add(values, 3, 150, random);
  EXPECT_TRUE(FindChangePoints(values, kTime).at(0).confirmed);
}

TEST(ChangePoints, ACountThatMovedIsSuspectAtOnce) {
  EXPECT_THAT(FindChangePoints(Values{7, 7, 7, 8}, kExact),
              ElementsAre(ChangePoint{3, 7, 8, 0, false}));
  EXPECT_THAT(FindChangePoints(Values{7, 7, 7, 7, 8, 8, 8, 8}, kExact),
              ElementsAre(ChangePoint{4, 7, 8, 0, false}));
  EXPECT_THAT(FindChangePoints(Values{7, 7, 7, 7}, kExact), IsEmpty());
  EXPECT_THAT(FindChangePoints(Values{7}, kExact), IsEmpty());
  EXPECT_THAT(FindChangePoints({}, kExact), IsEmpty());
}

// On noise alone, few series have a point: the levels are by rank, not by eye.
TEST(ChangePoints, RaisesFewFalseAlarms) {
  for (const int length : {12, 30, 50, 60, 200}) {
    std::mt19937 random(length);
    std::lognormal_distribution<double> noise(0, .5);
    int alarms = 0;
    constexpr int kSeries = 1000;
    for (int i = 0; i < kSeries; ++i) {
      Values values(length);
      for (double& value : values) value = noise(random);
      alarms += !FindChangePoints(values, kTime).empty();
    }
    // .01 for the splits, .01 for the newest values, and three deviations.
    EXPECT_LE(alarms, 33) << length;
  }
}

}  // namespace
}  // namespace oomgate
