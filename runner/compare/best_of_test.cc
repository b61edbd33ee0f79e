// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/best_of.h"

#include <gtest/gtest.h>

#include "runner/compare/test_runs.h"

namespace oomgate {
namespace {

oomgate::Run OneWith(std::map<std::string, double> metrics) {
  oomgate::Run run = TestRun();
  run.starts[0].accelerator = "kvm";
  run.metrics["x/y"] = {
      {.name = "ns", .better = Better::kLower, .kind = Kind::kTime},
      {.name = "rate", .better = Better::kHigher, .kind = Kind::kTime},
      {.name = "when", .kind = Kind::kTime},
      {.name = "faults", .better = Better::kLower}};
  AddResult(run, "x/y", std::move(metrics));
  return run;
}

TEST(BestOf, TakesTheBestOfEachTimeAndAllElseOfTheFirst) {
  const oomgate::Run best =
      BestOf({OneWith({{"ns", 7}, {"rate", 1}, {"when", 5}, {"faults", 9}}),
              OneWith({{"ns", 5}, {"rate", 2}, {"when", 4}, {"faults", 8}}),
              OneWith({{"ns", 6}, {"rate", 3}, {"when", 6}, {"faults", 7}})});
  EXPECT_EQ(best.results[0].metrics,
            (std::map<std::string, double>{
                {"ns", 5}, {"rate", 3}, {"when", 5}, {"faults", 9}}));
}

TEST(BestOf, WhatFailedInOneHasFailed) {
  oomgate::Run failed = OneWith({{"ns", 1}});
  failed.results[0].verdict = Verdict::kFail;
  for (const auto& runs : {std::vector{failed, OneWith({{"ns", 2}})},
                           std::vector{OneWith({{"ns", 2}}), failed}}) {
    EXPECT_EQ(BestOf(runs).results[0].verdict, Verdict::kFail);
  }
}

TEST(BestOf, WhatRanElsewhereOrNotIsNotTheSame) {
  oomgate::Run elsewhere = OneWith({{"ns", 2}});
  elsewhere.results[0].shape = "another";
  const oomgate::Run best =
      BestOf({OneWith({{"ns", 7}}), elsewhere, OneWith({}), {}});
  EXPECT_EQ(best.results[0].metrics.at("ns"), 7);
}

TEST(BestOf, OneIsItself) {
  const oomgate::Run run = OneWith({{"ns", 7}});
  EXPECT_EQ(BestOf({run}), run);
}

TEST(HasNoisyTimes, OnlyTimesOfARealCpuAre) {
  EXPECT_TRUE(HasNoisyTimes(OneWith({{"ns", 7}})));
  oomgate::Run counts = OneWith({{"faults", 7}});
  counts.metrics["x/y"] = {{.name = "faults", .better = Better::kLower}};
  EXPECT_FALSE(HasNoisyTimes(counts));
  oomgate::Run emulated = OneWith({{"ns", 7}});
  emulated.starts[0].accelerator = "tcg";
  EXPECT_FALSE(HasNoisyTimes(emulated));
  EXPECT_FALSE(HasNoisyTimes({}));
}

}  // namespace
}  // namespace oomgate
