// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/progress.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(ProgressText, SaysWhatIsLeftOnceAStepIsOver) {
  EXPECT_EQ(ProgressText({}, 6), "step 1 of about 7");
  EXPECT_EQ(ProgressText({400, 560}, 4), "step 3 of about 7, 40 min left");
  EXPECT_EQ(ProgressText({10}, 0), "step 2 of about 2, 10 s left");
  EXPECT_EQ(ProgressText({3600}, 2), "step 2 of about 4, 3.0 h left");
  EXPECT_EQ(ProgressText({3600}, -1), "step 2");
}

TEST(Halvings, LeaveOne) {
  EXPECT_EQ(Halvings(0), 0);
  EXPECT_EQ(Halvings(1), 0);
  EXPECT_EQ(Halvings(2), 1);
  EXPECT_EQ(Halvings(3), 2);
  EXPECT_EQ(Halvings(24), 5);
}

}  // namespace
}  // namespace oomgate
