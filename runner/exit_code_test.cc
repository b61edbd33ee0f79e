// SPDX-License-Identifier: Apache-2.0
#include "runner/exit_code.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

Run With(const std::vector<Verdict>& verdicts) {
  Run run;
  for (const Verdict verdict : verdicts) {
    Result result;
    result.place = "vm";
    result.verdict = verdict;
    run.results.push_back(result);
  }
  return run;
}

TEST(ExitCodeOf, TheTable) {
  using enum Verdict;
  EXPECT_EQ(ExitCodeOf(With({kPass, kKnown, kSkip}), false), kExitOk);
  EXPECT_EQ(ExitCodeOf(With({kSkip, kSkip}), false), kExitNothingRan);
  EXPECT_EQ(ExitCodeOf(With({kPass, kSkip}), true), kExitFailure);
  EXPECT_EQ(ExitCodeOf(With({kPass, kKnown}), true), kExitOk);
  EXPECT_EQ(ExitCodeOf(With({kPass, kFail}), false), kExitFailure);
  EXPECT_EQ(ExitCodeOf(With({kLost}), false), kExitFailure);
  EXPECT_EQ(ExitCodeOf(With({kPass, kBroken}), false), kExitHarness);
  EXPECT_EQ(ExitCodeOf(With({kBroken, kLost}), false), kExitFailure);
  EXPECT_EQ(ExitCodeOf(With({}), false), kExitNothingRan);
}

TEST(ExitCodeOf, CtrlCBeatsAll) {
  auto run = With({Verdict::kFail, Verdict::kBroken});
  run.interrupted = true;
  EXPECT_EQ(ExitCodeOf(run, false), kExitInterrupted);
}

}  // namespace
}  // namespace oomgate
