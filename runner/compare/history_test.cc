// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomgate {
namespace {

using ::testing::ElementsAre;

Run RunAt(const std::string& started, const std::string& kernel, double count,
          const std::string& cpu = "EPYC") {
  Run run;
  run.started = started;
  Start start;
  start.shape = "vm-256m-1cpu";
  start.kernel = kernel;
  start.accelerator = "kvm";
  start.cpu = cpu;
  run.starts = {start};
  run.metrics["a/b"] = {{.name = "faults"},
                        {.name = "time_ns", .kind = Kind::kTime},
                        {.name = "absent"}};
  Result result;
  result.id = "a/b";
  result.params = Params(Params::Map{{"k", "v"}});
  result.verdict = Verdict::kPass;
  result.place = "vm";
  result.shape = "vm-256m-1cpu";
  result.kernel = kernel;
  result.metrics = {{"faults", count}, {"time_ns", 10 * count}};
  run.results = {result};
  return run;
}

TEST(History, IsInTheOrderInWhichRunsStarted) {
  HistoryBuilder builder(false);
  builder.Add(RunAt("2026-01-03T00:00:00Z", "6.12.3-cloud", 3), "3/run.json");
  builder.Add(RunAt("2026-01-01T00:00:00Z", "6.12.1-cloud", 1), "1/run.json");
  builder.Add(RunAt("2026-01-02T00:00:00Z", "6.12.2-cloud", 2), "2/run.json");
  const History history = std::move(builder).Finish();
  ASSERT_EQ(history.series.size(), 2u);
  const Series& faults = history.series[0];
  EXPECT_EQ(faults.metric.name, "faults");
  EXPECT_EQ(faults.kernel, "6.12");
  EXPECT_THAT(faults.values, ElementsAre(1, 2, 3));
  EXPECT_THAT(faults.runs, ElementsAre(0, 1, 2));
  EXPECT_EQ(history.runs[0].file, "1/run.json");
  EXPECT_THAT(history.series[1].values, ElementsAre(10, 20, 30));
  EXPECT_EQ(history.series[1].machine, "kvm, EPYC");
}

TEST(History, KernelSeriesAreApartUnlessAsked) {
  for (const bool across : {false, true}) {
    HistoryBuilder builder(across);
    builder.Add(RunAt("2026-01-01T00:00:00Z", "6.1.0-56", 1), "");
    builder.Add(RunAt("2026-01-02T00:00:00Z", "6.12.0", 2), "");
    EXPECT_EQ(std::move(builder).Finish().series.size(), across ? 2u : 4u);
  }
}

// Another CPU is another speed, but counts what this one does.
TEST(History, OnlyTimesDependOnTheMachine) {
  HistoryBuilder builder(false);
  builder.Add(RunAt("2026-01-01T00:00:00Z", "6.1.0", 1, "EPYC"), "");
  builder.Add(RunAt("2026-01-02T00:00:00Z", "6.1.0", 1, "Xeon"), "");
  EXPECT_EQ(std::move(builder).Finish().series.size(), 3u);
}

TEST(History, WhatFailedMeasuredNothing) {
  auto run = RunAt("2026-01-01T00:00:00Z", "6.1.0", 1);
  HistoryBuilder builder(false);
  run.results[0].verdict = Verdict::kFail;
  builder.Add(run, "");
  run.results[0].verdict = Verdict::kKnown;
  builder.Add(run, "");
  const History history = std::move(builder).Finish();
  ASSERT_EQ(history.series.size(), 2u);
  EXPECT_THAT(history.series[0].runs, ElementsAre(1));
}

TEST(KernelSeries, IsTheFirstTwoNumbers) {
  EXPECT_EQ(KernelSeries("6.12.117-cloud-amd64"), "6.12");
  EXPECT_EQ(KernelSeries("7.3-rc1"), "7.3");
  EXPECT_EQ(KernelSeries("7.3"), "7.3");
  EXPECT_EQ(KernelSeries(""), "");
}

}  // namespace
}  // namespace oomgate
