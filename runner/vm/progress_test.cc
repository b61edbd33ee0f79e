// SPDX-License-Identifier: Apache-2.0
#include "runner/vm/progress.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

using std::chrono::seconds;

constexpr Progress::Clock::time_point kZero{};

Progress Fresh() {
  Order slow;
  slow.name = {"a/b", Params(Params::Map{{"x", "1"}})};
  slow.timeout_seconds = 30;
  Order fast;
  fast.name = {"a/c", {}};
  fast.timeout_seconds = 5;
  return Progress({slow, fast}, seconds(60), kZero);
}

constexpr const char* kBegin =
    R"({"event":"begin","id":"a/b","params":{"x":"1"}})";

TEST(Progress, BootsWithinItsDeadline) {
  Progress progress = Fresh();
  EXPECT_FALSE(progress.started());
  EXPECT_EQ(progress.deadline(), kZero + seconds(60));
  EXPECT_EQ(progress.Waited(), "60 s after the guest was switched on");
}

TEST(Progress, InstanceHasItsOwnTime) {
  Progress progress = Fresh();
  EXPECT_FALSE(progress.OnLine(R"({"event":"start"})", kZero + seconds(2)));
  EXPECT_TRUE(progress.started());
  EXPECT_TRUE(progress.OnLine(kBegin, kZero + seconds(3)));
  EXPECT_EQ(progress.deadline(), kZero + seconds(3 + 30 + 20 + 15));
  EXPECT_EQ(progress.Waited(), "65 s after a/b[x=1] began");
}

TEST(Progress, SamplesDoNotBuyTime) {
  Progress progress = Fresh();
  progress.OnLine(kBegin, kZero);
  progress.OnLine(R"({"event":"sample","rss":1})", kZero + seconds(20));
  EXPECT_EQ(progress.deadline(), kZero + seconds(65));
}

TEST(Progress, NobodyBuysTimeForWhatWasNotOrdered) {
  Progress progress = Fresh();
  progress.OnLine(R"({"event":"begin","id":"z/z"})", kZero + seconds(50));
  EXPECT_EQ(progress.deadline(), kZero + seconds(60));
}

TEST(Progress, ResultAndLostAreSteps) {
  Progress progress = Fresh();
  progress.OnLine(R"({"event":"result","id":"a/c"})", kZero + seconds(9));
  EXPECT_EQ(progress.deadline(), kZero + seconds(9 + 35));
  progress.OnLine(R"({"event":"lost","id":"a/c"})", kZero + seconds(10));
  EXPECT_EQ(progress.deadline(), kZero + seconds(10 + 35));
  EXPECT_FALSE(progress.ended());
  progress.OnLine(R"({"event":"end"})", kZero + seconds(11));
  EXPECT_TRUE(progress.ended());
  EXPECT_EQ(progress.deadline(), kZero + seconds(11 + 5));
}

TEST(Progress, IgnoresWhatIsNoRecord) {
  Progress progress = Fresh();
  for (const char* line :
       {"", "{", "[]", "{\"event\":3}", "{\"event\":\"begin\",\"id\":[]}"}) {
    progress.OnLine(line, kZero + seconds(1));
  }
  EXPECT_EQ(progress.deadline(), kZero + seconds(60));
}

}  // namespace
}  // namespace oomgate
