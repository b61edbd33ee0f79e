// SPDX-License-Identifier: Apache-2.0
#include "oomgate/errno_of.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "oomgate/process.h"

namespace oomgate {
namespace {

TEST(ErrnoOf, IsZeroOfWhatSucceeds) {
  errno = EPERM;
  EXPECT_EQ(ErrnoOf(getppid()), 0);
  EXPECT_EQ(ErrnoOf(0L), 0);
}

TEST(ErrnoOf, IsTheErrnoOfWhatFails) {
  EXPECT_EQ(ErrnoOf(close(-1)), EBADF);
  EXPECT_EQ(ErrnoOf(read(-1, nullptr, 0)), EBADF);
}

TEST(ErrnoOf, KnowsWhatMmapGivesOnFailure) {
  void* at = nullptr;
  EXPECT_EQ(ErrnoOf(at = mmap(nullptr, 0, PROT_READ,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
            EINVAL);
  EXPECT_EQ(ErrnoOf(at = mmap(nullptr, 4096, PROT_READ,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
            0);
  EXPECT_EQ(munmap(at, 4096), 0);
}

class MustTest : public testing::Test {
 protected:
  ~MustTest() override { Trace::Release(trace_); }
  Trace* trace_ = Trace::Share();
};

TEST_F(MustTest, GivesWhatTheCallGave) {
  const int file =
      Must(*trace_, "open", open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_GE(file, 0);
  EXPECT_EQ(Must(*trace_, "close", close(file)), 0);
}

TEST_F(MustTest, EndsTheSubjectWithWhatFailed) {
  const int status = RunChild(*trace_, [&] {
    Must(*trace_, "close of nothing", close(-1));
    trace_->Set("went_on", 1);
  });
  EXPECT_NE(status, 0);
  EXPECT_EQ(trace_->Stopped(), "close of nothing: Bad file descriptor");
  EXPECT_EQ(trace_->Values().count("went_on"), 0U);
}

}  // namespace
}  // namespace oomgate
