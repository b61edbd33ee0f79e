// SPDX-License-Identifier: Apache-2.0
#include "oomgate/process.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>

#include "oomgate/memory.h"
#include "oomgate/usage.h"

namespace oomgate {
namespace {

class ProcessTest : public testing::Test {
 protected:
  ~ProcessTest() override { Trace::Release(trace_); }
  Trace* trace_ = Trace::Share();
};

TEST_F(ProcessTest, ForkAndVforkAreAllowedHere) {
  EXPECT_EQ(TryFork(), 0);
  EXPECT_EQ(TryVfork(), 0);
}

TEST_F(ProcessTest, AChildRunsItsBodyAndExits) {
  const pid_t child = StartChild(*trace_, [&] { trace_->Set("ran", 1); });
  EXPECT_EQ(Reap(child), 0);
  EXPECT_EQ(trace_->Values().at("ran"), 1);
}

TEST_F(ProcessTest, AGateHoldsUntilItIsOpened) {
  Gate gate(*trace_);
  const pid_t child = StartChild(*trace_, [&] { gate.Pass(); });
  int status = -1;
  EXPECT_FALSE(EndsWithin(child, 20, status));
  gate.Open();
  EXPECT_TRUE(EndsWithin(child, 5000, status));
  EXPECT_EQ(status, 0);
}

TEST_F(ProcessTest, AChildThatIsEndedIsGone) {
  const pid_t child = StartChild(*trace_, [] { WaitForever(); });
  EndChild(child);
  EXPECT_EQ(kill(child, 0), -1);
}

TEST_F(ProcessTest, ADroppedCapabilityIsGoneForGood) {
  const pid_t child = StartChild(*trace_, [&] {
    DropCapability(*trace_, CAP_SYS_ADMIN);
    _exit(umount("/proc") != 0 && errno == EPERM ? 0 : 1);
  });
  EXPECT_EQ(Reap(child), 0);
}

TEST_F(ProcessTest, LargestIsTheThreshold) {
  for (const std::int64_t limit : {0, 1, 7, 1000}) {
    EXPECT_EQ(Largest(1000, [&](std::int64_t n) { return n <= limit; }), limit);
  }
}

}  // namespace
}  // namespace oomgate
