// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/ends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::HasSubstr;

Result ResultOf(Verdict verdict, double pages = 0,
                const std::string& kernel = "6.1") {
  Result result;
  result.verdict = verdict;
  result.kernel = kernel;
  result.metrics["pages"] = pages;
  return result;
}

TEST(Ends, TellVerdictsApart) {
  const Ends ends(ResultOf(Verdict::kPass), ResultOf(Verdict::kKnown), "");
  const auto answer = [&](const Result& result) {
    return ends.Like(result).answer;
  };
  EXPECT_EQ(answer(ResultOf(Verdict::kPass)), BisectAnswer::kGood);
  EXPECT_EQ(answer(ResultOf(Verdict::kKnown)), BisectAnswer::kBad);
  EXPECT_EQ(answer(ResultOf(Verdict::kFail)), BisectAnswer::kSkip);
  EXPECT_EQ(answer(ResultOf(Verdict::kBroken)), BisectAnswer::kSkip);
}

TEST(Ends, OfLostTakeOnlyWhatHadStarted) {
  const Ends ends(ResultOf(Verdict::kPass), ResultOf(Verdict::kLost), "");
  EXPECT_EQ(ends.Like(ResultOf(Verdict::kLost)).answer, BisectAnswer::kBad);
  EXPECT_EQ(ends.Like(ResultOf(Verdict::kLost, 0, "")).answer,
            BisectAnswer::kSkip);
}

TEST(Ends, TakeAValueForTheEndThatIsNearer) {
  const Ends ends(ResultOf(Verdict::kPass, 66), ResultOf(Verdict::kPass, 0),
                  "pages");
  EXPECT_EQ(ends.Like(ResultOf(Verdict::kPass, 34)).answer,
            BisectAnswer::kGood);
  EXPECT_EQ(ends.Like(ResultOf(Verdict::kPass, 32)).answer, BisectAnswer::kBad);
  EXPECT_EQ(ends.Like(ResultOf(Verdict::kPass, -1)).answer, BisectAnswer::kBad);
}

TEST(Ends, ThatAreAlikeAreRefusedWithWhatDiffers) {
  try {
    const Ends ends(ResultOf(Verdict::kPass, 1), ResultOf(Verdict::kPass, 2),
                    "");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--metric takes one of pages"));
  }
  EXPECT_THROW(
      Ends(ResultOf(Verdict::kPass, 1), ResultOf(Verdict::kPass, 1), "pages"),
      UserError);
  EXPECT_THROW(Ends(ResultOf(Verdict::kPass), ResultOf(Verdict::kPass), "none"),
               UserError);
  EXPECT_THROW(Ends(ResultOf(Verdict::kBroken), ResultOf(Verdict::kPass), ""),
               UserError);
}

}  // namespace
}  // namespace oomgate
