// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/halving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;

TEST(FindBorder, FindsEveryPlaceInFewSteps) {
  constexpr std::size_t kCount = 65;
  for (std::size_t first_bad = 1; first_bad < kCount; ++first_bad) {
    std::set<std::size_t> asked;
    const Border border = FindBorder(kCount, [&](std::size_t n, int left) {
      EXPECT_TRUE(n > 0 && n < kCount - 1 && asked.insert(n).second) << n;
      EXPECT_LE(left, 6);
      return n < first_bad ? BisectAnswer::kGood : BisectAnswer::kBad;
    });
    EXPECT_EQ(border.good, first_bad - 1);
    EXPECT_EQ(border.bad, first_bad);
    EXPECT_THAT(border.skipped, IsEmpty());
    EXPECT_THAT(asked.size(), Le(6U));
  }
}

TEST(FindBorder, GoesAroundWhatCannotBeJudged) {
  const Border border = FindBorder(20, [](std::size_t n, int) {
    if (n % 2 == 1) return BisectAnswer::kSkip;
    return n < 7 ? BisectAnswer::kGood : BisectAnswer::kBad;
  });
  EXPECT_EQ(border.good, 6U);
  EXPECT_EQ(border.bad, 8U);
  EXPECT_THAT(border.skipped, ElementsAre(7U));
}

TEST(FindBorder, OfTwoAsksNothing) {
  const Border border = FindBorder(2, [](std::size_t, int) {
    ADD_FAILURE();
    return BisectAnswer::kSkip;
  });
  EXPECT_EQ(border.good, 0U);
  EXPECT_EQ(border.bad, 1U);
}

TEST(FindBorder, EndsWhereNothingCanBeJudged) {
  const Border border =
      FindBorder(5, [](std::size_t, int) { return BisectAnswer::kSkip; });
  EXPECT_THAT(border.skipped, ElementsAre(1U, 2U, 3U));
}

}  // namespace
}  // namespace oomgate
