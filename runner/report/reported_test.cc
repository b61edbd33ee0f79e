// SPDX-License-Identifier: Apache-2.0
#include "runner/report/reported.h"

#include <gmock/gmock.h>

#include "runner/report/results.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(Reported, TheWorstVerdictOfAllRuns) {
  const auto verdict = [](const std::vector<oomgate::Run>& runs) {
    return ToReport(runs).verdict;
  };
  const oomgate::Run pass = SampleRun({Verdict::kPass, Verdict::kKnown});
  const oomgate::Run fail = SampleRun({Verdict::kLost, Verdict::kBroken});
  const oomgate::Run broken = SampleRun({Verdict::kPass, Verdict::kBroken});
  const oomgate::Run skip = SampleRun({Verdict::kSkip});
  oomgate::Run interrupted = pass;
  interrupted.interrupted = true;
  oomgate::Run cut_off_failure = fail;
  cut_off_failure.finished = "";
  EXPECT_EQ(verdict({pass}), "pass");
  EXPECT_EQ(verdict({pass, skip}), "nothing-ran");
  EXPECT_EQ(verdict({skip, interrupted}), "interrupted");
  EXPECT_EQ(verdict({interrupted, broken}), "broken");
  EXPECT_EQ(verdict({broken, fail}), "fail");
  EXPECT_EQ(verdict({cut_off_failure}), "fail");
  EXPECT_EQ(verdict({SampleRun({})}), "nothing-ran");
}

TEST(Reported, RunsBecomeOne) {
  oomgate::Run second = SampleRun({Verdict::kFail});
  second.started = "2026-01-30T12:00:00Z";
  second.finished = "2026-01-30T12:00:09Z";
  second.starts[0].kernel = second.results[0].kernel = "6.12.0-cloud";
  const oomgate::Run run = ToReport({SampleRun({Verdict::kPass}), second}).run;
  EXPECT_EQ(run.started, "2026-01-30T12:00:00Z");
  EXPECT_EQ(run.finished, "2026-01-31T12:00:09Z");
  EXPECT_EQ(run.command, "oomgate run");
  EXPECT_EQ(run.metrics.size(), 2U);
  const std::vector<ResultGroup> groups = GroupsOf(run);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[1].Name(), "vm-256m-1cpu, 6.12.0-cloud");
  EXPECT_NE(StartOf(run, groups[1].shape, groups[1].kernel), nullptr);
}

TEST(Reported, TextsThatAreHarmlessStay) {
  const oomgate::Run run = EveryVerdict();
  EXPECT_EQ(ToReport({run}).run, run);
}

}  // namespace
}  // namespace oomgate
