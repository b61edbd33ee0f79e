// SPDX-License-Identifier: Apache-2.0
#include "oomgate/threads.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "oomgate/usage.h"

namespace oomgate {
namespace {

constexpr int kThreads = 5;

class ThreadsTest : public testing::Test {
 protected:
  ~ThreadsTest() override { Trace::Release(trace_); }
  // A joined thread may be counted for a moment longer.
  static std::int64_t Count() {
    return FieldIn("/proc/self/status", "Threads");
  }
  static bool Becomes(std::int64_t count) {
    return HoldsWithin(5000, [=] { return Count() == count; });
  }
  Trace* trace_ = Trace::Share();
};

TEST_F(ThreadsTest, IdleThreadsAreThereUntilTheyAreEnded) {
  const std::int64_t before = Count();
  IdleThreads<kThreads> threads(*trace_);
  EXPECT_EQ(Count(), before + kThreads);
  poll(nullptr, 0, 20);
  EXPECT_EQ(Count(), before + kThreads);
  threads.End();
  EXPECT_TRUE(Becomes(before));
}

TEST_F(ThreadsTest, IdleThreadsEndWithWhatHoldsThem) {
  const std::int64_t before = Count();
  { const IdleThreads<kThreads> threads(*trace_, 64_KiB); }
  EXPECT_TRUE(Becomes(before));
}

TEST_F(ThreadsTest, AThreadRunsItsBody) {
  pid_t ran_in = 0;
  auto body = [&] { ran_in = gettid(); };
  Join(StartThread(*trace_, body));
  EXPECT_NE(ran_in, 0);
  EXPECT_NE(ran_in, gettid());
}

TEST_F(ThreadsTest, AThreadHasTheStackThatItIsGiven) {
  std::size_t size = 0;
  auto body = [&] {
    pthread_attr_t is;
    pthread_getattr_np(pthread_self(), &is);
    pthread_attr_getstacksize(&is, &size);
    pthread_attr_destroy(&is);
  };
  Join(StartThread(*trace_, body, 1_MiB));
  EXPECT_GE(size, 1U << 20);
  // glibc may give it that of one that ended, of up to four times the size.
  EXPECT_LE(size, 4U << 20);
}

TEST_F(ThreadsTest, AThreadThatThereCannotBeEndsTheSubject) {
  auto body = [] {};
  EXPECT_NE(RunChild(*trace_, [&] { StartThread(*trace_, body, 1_B); }), 0);
  EXPECT_EQ(trace_->Stopped(), "pthread_create: Invalid argument");
}

TEST_F(ThreadsTest, AQuestionLeavesNoThreadBehind) {
  const std::int64_t before = Count();
  EXPECT_EQ(TryThread(), 0);
  EXPECT_TRUE(Becomes(before));
}

}  // namespace
}  // namespace oomgate
