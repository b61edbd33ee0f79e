// SPDX-License-Identifier: Apache-2.0
#include "oomgate/stopwatch.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace oomgate {
namespace {

TEST(Stopwatch, TellsTheSameTimeInEveryUnit) {
  const Stopwatch watch;
  poll(nullptr, 0, 1010);  // into another second
  const std::int64_t milliseconds = watch.Milliseconds();
  const std::int64_t microseconds = watch.Microseconds();
  const std::int64_t nanoseconds = watch.Nanoseconds();
  EXPECT_GE(milliseconds, 1009);
  EXPECT_GE(microseconds, milliseconds * 1000);
  EXPECT_GE(nanoseconds, microseconds * 1000);
  // Read right after each other, however busy the machine is.
  EXPECT_LT(nanoseconds, (milliseconds + 10'000) * 1'000'000);
}

TEST(Stopwatch, ForgetsWhatWasBeforeItIsRestarted) {
  Stopwatch watch;
  const Stopwatch all;
  poll(nullptr, 0, 30);
  watch.Restart();
  poll(nullptr, 0, 1);
  EXPECT_GT(watch.Nanoseconds(), 0);
  EXPECT_LE(watch.Milliseconds() + 30, all.Milliseconds());
}

}  // namespace
}  // namespace oomgate
