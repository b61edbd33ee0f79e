// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runner/error.h"

namespace oomgate {
namespace {

using Values = std::vector<double>;
using ::testing::HasSubstr;

const Metric kTime{.name = "t", .unit = "ns", .kind = Kind::kTime};

Values Noise(int count, double variation, int seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(1000, 1000 * variation);
  Values values(count);
  for (double& value : values) value = noise(random);
  return values;
}

TEST(Calibrate, MeasuresSpreadAndWhatItHides) {
  const CalibratedMetric quiet = Calibrate(kTime, Noise(20, .02), 1);
  EXPECT_EQ(quiet.samples, 20);
  EXPECT_NEAR(quiet.median, 1000, 20);
  EXPECT_NEAR(quiet.spread, .02, .01);
  EXPECT_LT(quiet.noise_floor, .04);
  EXPECT_NEAR(quiet.smallest_detectable, 5.74 * quiet.spread / std::sqrt(10),
              .01);
  EXPECT_FALSE(quiet.informational);

  const CalibratedMetric loud = Calibrate(kTime, Noise(20, .30), 1);
  EXPECT_GT(loud.smallest_detectable, .25);
  EXPECT_TRUE(loud.informational);
}

TEST(Calibrate, FalseAlarmsAreRareOnIndependentNoise) {
  double sum = 0;
  for (int seed = 0; seed < 20; ++seed) {
    sum += Calibrate(kTime, Noise(20, .10, seed), seed).false_alarms;
  }
  EXPECT_LE(sum / 20, .01);
}

// A noise floor holds for runs that it was not taken from, too.
TEST(Calibrate, TheNoiseFloorIsRarelyExceededByFreshSamples) {
  int exceeded = 0;
  for (int seed = 0; seed < 100; ++seed) {
    const double floor =
        Calibrate(kTime, Noise(20, .10, seed), 1).noise_floor * 1000;
    const Values fresh = Noise(20, .10, 1000 + seed);
    const CalibratedMetric again = Calibrate(kTime, fresh, 2);
    exceeded += again.noise_floor * 1000 > 2 * floor;
  }
  EXPECT_LE(exceeded, 5);
}

TEST(Calibrate, SeesDriftAndAlternation) {
  Values drift;
  Values alternating;
  for (int i = 0; i < 30; ++i) {
    drift.push_back(1000 + 10 * i);
    alternating.push_back(i % 2 == 0 ? 1000 : 1100);
  }
  EXPECT_GT(Calibrate(kTime, drift, 1).autocorrelation, .8);
  EXPECT_LT(Calibrate(kTime, alternating, 1).autocorrelation, -.8);
  // Pairs that are taken together share the drift.
  EXPECT_EQ(Calibrate(kTime, drift, 1).false_alarms, 0);
}

TEST(Calibrate, WhatHasNoNoiseIsHeldToItsGate) {
  const Metric count{.name = "n"};
  const CalibratedMetric exact = Calibrate(count, Values(20, 2048), 1);
  EXPECT_EQ(exact.smallest_detectable, 0);
  EXPECT_EQ(exact.false_alarms, 0);
  EXPECT_FALSE(exact.informational);

  const Metric cost{.name = "i", .kind = Kind::kInstructions};
  EXPECT_EQ(Calibrate(cost, Values(4, 5e6), 1).smallest_detectable, .01);

  // A count that is none.
  Values stray(20, 100);
  for (int i = 0; i < 10; ++i) stray[2 * i] = 150;
  const CalibratedMetric odd = Calibrate(count, stray, 1);
  EXPECT_GT(odd.false_alarms, .1);
  EXPECT_TRUE(odd.informational);
}

TEST(Calibrate, TooFewPairsShowNothing) {
  const CalibratedMetric few = Calibrate(kTime, Noise(8, .01), 1);
  EXPECT_EQ(few.smallest_detectable, -1);
  EXPECT_TRUE(few.informational);
}

Run RunWith(double value, Verdict verdict) {
  Run run;
  run.started = "2026-01-01T00:00:00Z";
  run.metrics["a/b"] = {kTime};
  Result result;
  result.id = "a/b";
  result.verdict = verdict;
  result.shape = "host";
  result.kernel = "6.1.0";
  result.metrics = {{"t", value}, {"undeclared", 1}};
  run.results = {result};
  return run;
}

TEST(CalibrationOf, TakesWhatPassedInOrder) {
  const std::vector<oomgate::Run> runs = {
      RunWith(1, Verdict::kPass), RunWith(99, Verdict::kFail),
      RunWith(2, Verdict::kPass), RunWith(3, Verdict::kPass)};
  const Calibration calibration = CalibrationOf(runs, 7);
  EXPECT_EQ(calibration.pairs, 2);
  ASSERT_EQ(calibration.metrics.size(), 1u);
  EXPECT_EQ(calibration.metrics[0].instance, "a/b");
  EXPECT_EQ(calibration.metrics[0].samples, 3);
  EXPECT_EQ(calibration.metrics[0].median, 2);
}

TEST(CalibrationFile, ReadsWhatItWrote) {
  const std::vector<oomgate::Run> runs(6, RunWith(5, Verdict::kPass));
  const Calibration before = CalibrationOf(runs, 7);
  const std::string text = ToJsonText(before);
  const Calibration after = ParseCalibration(text, "c.json");
  EXPECT_EQ(ToJsonText(after), text);
  EXPECT_EQ(after.metrics.at(0).metric, kTime);
}

TEST(CalibrationFile, SaysWhatIsWrong) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      ParseCalibration(text, "c.json");
      return "";
    } catch (const UserError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(error_of("{"), HasSubstr("c.json: no calibration"));
  EXPECT_THAT(error_of("{}"), HasSubstr("'calibration' not found"));
  EXPECT_THAT(error_of(R"({"calibration": 9})"), HasSubstr("calibrate again"));
  EXPECT_THAT(error_of(R"({"calibration": 1, "oomgate": 3})"),
              HasSubstr("must be string"));
}

}  // namespace
}  // namespace oomgate
