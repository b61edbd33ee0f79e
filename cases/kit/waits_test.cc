// SPDX-License-Identifier: Apache-2.0
// The waiting loops of oomgate/usage.h.
#include <gtest/gtest.h>

#include <algorithm>

#include "oomgate/stopwatch.h"
#include "oomgate/usage.h"

namespace oomgate {
namespace {

TEST(HoldsWithin, AsksOnceOfWhatHolds) {
  int asked = 0;
  const Stopwatch watch;
  EXPECT_TRUE(HoldsWithin(60000, [&] { return ++asked == 1; }));
  EXPECT_EQ(asked, 1);
  EXPECT_LT(watch.Milliseconds(), 30000);
}

TEST(HoldsWithin, AsksAgainUntilItHolds) {
  int asked = 0;
  EXPECT_TRUE(HoldsWithin(60000, [&] { return ++asked == 4; }));
  EXPECT_EQ(asked, 4);
}

TEST(HoldsWithin, GivesUpAfterItsTimeAndNotBefore) {
  int asked = 0;
  const Stopwatch watch;
  EXPECT_FALSE(HoldsWithin(50, [&] { return ++asked == 0; }));
  EXPECT_GE(watch.Milliseconds(), 49);
  EXPECT_EQ(asked, 11);  // every 5 ms, and at the end
}

TEST(HoldsWithin, AsksOnceWhereThereIsNoTime) {
  int asked = 0;
  EXPECT_FALSE(HoldsWithin(0, [&] { return ++asked == 0; }));
  EXPECT_EQ(asked, 1);
}

TEST(OnceHolds, GivesTheVeryValueThatHeld) {
  int next = 0;
  const auto read = [&] { return next++; };
  EXPECT_EQ(OnceHolds(60000, read, [](int n) { return n >= 0; }), 0);
  EXPECT_EQ(next, 1);  // and reads no more
  EXPECT_EQ(OnceHolds(60000, read, [](int n) { return n % 5 == 4; }), 4);
  EXPECT_EQ(next, 5);
}

TEST(OnceHolds, GivesTheLastValueWhereNoneHolds) {
  int next = 0;
  const int last = OnceHolds(
      20, [&] { return next++; }, [](int) { return false; });
  EXPECT_EQ(last, next - 1);
  EXPECT_GE(last, 4);
}

TEST(OnceStill, GivesWhatNoLongerChanges) {
  int read = 0;
  const int last = OnceStill([&] { return read < 12 ? ++read : 12; });
  EXPECT_EQ(last, 12);
}

TEST(OnceStill, DoesNotTakeAPauseForTheEnd) {
  // 15 times 1, 15 times 2, and from then on 3.
  int asked = 0;
  EXPECT_EQ(OnceStill([&] { return std::min(asked++ / 15, 2) + 1; }), 3);
  EXPECT_GE(asked, 30 + 20);
}

TEST(OnceStill, WaitsForATenthOfASecond) {
  const Stopwatch watch;
  EXPECT_EQ(OnceStill([] { return 7; }), 7);
  EXPECT_GE(watch.Milliseconds(), 90);
}

}  // namespace
}  // namespace oomgate
