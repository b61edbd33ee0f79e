// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/delta_debugging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::Le;

bool Includes(const Changes& changes, const Changes& wanted) {
  return std::ranges::includes(changes, wanted);
}

TEST(SmallestBadSet, FindsEverySingleOneAndEveryPair) {
  constexpr int kCount = 10;
  for (int a = 0; a < kCount; ++a) {
    for (int b = a; b < kCount; ++b) {
      const Changes culprit = a == b ? Changes{a} : Changes{a, b};
      std::set<Changes> asked;
      const Changes found =
          SmallestBadSet(kCount, [&](const Changes& changes, int) {
            EXPECT_TRUE(asked.insert(changes).second) << "asked for twice";
            return Includes(changes, culprit) ? BisectAnswer::kBad
                                              : BisectAnswer::kGood;
          });
      EXPECT_EQ(found, culprit);
      EXPECT_THAT(asked.size(), Le(a == b ? 10U : 45U));
    }
  }
}

TEST(SmallestBadSet, TakesSkippedForNotBad) {
  // 3 alone cannot be judged without 4, which does nothing else.
  const auto attempt = [](const Changes& changes, int) {
    if (!Includes(changes, {3})) return BisectAnswer::kGood;
    return Includes(changes, {4}) ? BisectAnswer::kBad : BisectAnswer::kSkip;
  };
  EXPECT_THAT(SmallestBadSet(8, attempt), ElementsAre(3, 4));
}

TEST(SmallestBadSet, LeavesNothingThatCanGo) {
  // Either pair does it: one of them, not their union.
  const auto attempt = [](const Changes& changes, int) {
    return Includes(changes, {0, 7}) || Includes(changes, {2, 5})
               ? BisectAnswer::kBad
               : BisectAnswer::kGood;
  };
  const Changes found = SmallestBadSet(9, attempt);
  EXPECT_TRUE(found == (Changes{0, 7}) || found == (Changes{2, 5}));
}

TEST(SmallestBadSet, OfOneAsksNothing) {
  const auto attempt = [](const Changes&, int) {
    ADD_FAILURE();
    return BisectAnswer::kGood;
  };
  EXPECT_THAT(SmallestBadSet(1, attempt), ElementsAre(0));
}

}  // namespace
}  // namespace oomgate
