// SPDX-License-Identifier: Apache-2.0
#include "oomgate/process.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/wait.h>

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

TEST_F(ProcessTest, AChildIsRunToItsEnd) {
  EXPECT_EQ(RunChild(*trace_, [&] { trace_->Set("ran", 1); }), 0);
  EXPECT_EQ(trace_->Values().at("ran"), 1);
  EXPECT_EQ(WEXITSTATUS(RunChild(*trace_, [] { _exit(3); })), 3);
  EXPECT_EQ(WTERMSIG(RunChild(*trace_, [] { raise(SIGKILL); })), SIGKILL);
}

TEST_F(ProcessTest, AProcessHasAState) {
  const pid_t child = StartChild(*trace_, [] { WaitForever(); });
  const auto becomes = [&](char state) {
    return HoldsWithin(5000, [&] { return ProcessState(child) == state; });
  };
  EXPECT_TRUE(becomes('S'));
  kill(child, SIGSTOP);
  EXPECT_TRUE(becomes('T'));
  kill(child, SIGKILL);
  EXPECT_TRUE(becomes('Z'));
  Reap(child);
  EXPECT_EQ(ProcessState(child), 0);
  EXPECT_EQ(ProcessState(getpid()), 'R');
}

}  // namespace
}  // namespace oomgate
