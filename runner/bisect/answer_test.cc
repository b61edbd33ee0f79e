// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/answer.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

Result ResultOf(Verdict verdict, const std::string& kernel = "6.1.0") {
  Result result;
  result.verdict = verdict;
  result.reason = "a reason";
  result.kernel = kernel;
  return result;
}

TEST(OutcomeOf, CallsAKernelBadOnlyForWhatItDid) {
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kPass)).answer, BisectAnswer::kGood);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kKnown)).answer, BisectAnswer::kGood);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kFail)).answer, BisectAnswer::kBad);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kLost)).answer, BisectAnswer::kBad);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kLost, "")).answer,
            BisectAnswer::kSkip);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kSkip)).answer, BisectAnswer::kSkip);
  EXPECT_EQ(OutcomeOf(ResultOf(Verdict::kBroken)).answer, BisectAnswer::kSkip);
}

TEST(ShortReason, KeepsWhateverWasFound) {
  Result result = ResultOf(Verdict::kFail);
  result.checks = {{"lock", "grown", "8 MiB", "4 MiB; but not always"}};
  result.also = {{kLeftBehind, "Shmem +4096 kB"},
                 {kKernelWarning, "BUG: Bad page state"}};
  EXPECT_EQ(ShortReason(result),
            "fail: lock: grown is 8 MiB, expected 4 MiB; but not always; left "
            "behind: Shmem +4096 kB; kernel warning: BUG: Bad page state");
  result.checks.clear();
  EXPECT_EQ(ShortReason(result),
            "fail: left behind: Shmem +4096 kB; kernel warning: BUG: Bad page "
            "state");
}

TEST(ShortReason, OfAnOlderRunIsItsReasonInFull) {
  Result result = ResultOf(Verdict::kFail);
  result.reason = "left behind: Shmem +4 kB; expected (x); but it exited 0";
  EXPECT_EQ(ShortReason(result),
            "fail: left behind: Shmem +4 kB; expected (x); but it exited 0");
  result.reason = "";
  EXPECT_EQ(ShortReason(result), "fail");
}

TEST(OutcomeOf, SaysWhyInOneLine) {
  Result result = ResultOf(Verdict::kFail);
  result.reason = "first\nsecond";
  EXPECT_EQ(OutcomeOf(result).why.find('\n'), std::string::npos);
  EXPECT_NE(OutcomeOf(result).why.find("second"), std::string::npos);
}

MetricChange Change(double relative, Better better) {
  MetricChange change;
  change.metric.name = "instructions";
  change.metric.better = better;
  change.relative = relative;
  return change;
}

TEST(OutcomeOfCost, IsBadOnlyBeyondTheGate) {
  const Result result = ResultOf(Verdict::kPass);
  const auto answer = [&](double relative, Better better) {
    return OutcomeOfCost(result, Change(relative, better), .02).answer;
  };
  EXPECT_EQ(answer(.021, Better::kLower), BisectAnswer::kBad);
  EXPECT_EQ(answer(.02, Better::kLower), BisectAnswer::kGood);
  EXPECT_EQ(answer(-.5, Better::kLower), BisectAnswer::kGood);
  EXPECT_EQ(answer(.5, Better::kHigher), BisectAnswer::kGood);
  EXPECT_EQ(answer(-.021, Better::kHigher), BisectAnswer::kBad);
}

TEST(OutcomeOfCost, SkipsWhatMeasuredNothing) {
  EXPECT_EQ(OutcomeOfCost(ResultOf(Verdict::kFail), std::nullopt, .02).answer,
            BisectAnswer::kSkip);
}

TEST(ExitCodeOfAnswer, IsWhatGitTakes) {
  EXPECT_EQ(ExitCodeOf(BisectAnswer::kGood), 0);
  EXPECT_EQ(ExitCodeOf(BisectAnswer::kBad), 1);
  EXPECT_EQ(ExitCodeOf(BisectAnswer::kSkip), 125);
}

}  // namespace
}  // namespace oomgate
