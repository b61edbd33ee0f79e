// SPDX-License-Identifier: Apache-2.0
#include "cases/kit/kernel_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include "oomgate/process.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class KernelLogTest : public testing::Test {
 protected:
  void SetUp() override {
    if (file_ < 0 || access("/dev/kmsg", R_OK) != 0) {
      GTEST_SKIP() << "the kernel's log may not be read and written here";
    }
  }
  ~KernelLogTest() override { close(file_); }
  // A line that nobody else writes; whether it is in the log. Its limit is 10
  // lines in 5 seconds.
  std::string Name(const char* what) const {
    return "oomgate-unit " + std::to_string(getpid()) + " " + what;
  }
  bool Say(const std::string& text) const {
    // Without an end of line it is not told before the next one begins.
    const std::string line = text + "\n";
    return write(file_, line.c_str(), line.size()) ==
           static_cast<ssize_t>(line.size());
  }
  const int file_ = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
};

TEST_F(KernelLogTest, HoldsWhatIsSaidAfterTheMarkWithoutPrefixes) {
  ASSERT_TRUE(Say(Name("before")));
  KernelLog log;
  EXPECT_THAT(log.Text(), Not(HasSubstr(Name("before"))));
  ASSERT_TRUE(Say(Name("first")));
  ASSERT_TRUE(Say(Name("second")));
  EXPECT_THAT(log.Text(), HasSubstr(Name("first") + "\n"));
  EXPECT_THAT(log.Text(), HasSubstr(Name("second") + "\n"));
  EXPECT_THAT(log.Text(), Not(HasSubstr(";" + Name("first"))));
  EXPECT_THAT(log.Text(), Not(HasSubstr(Name("before"))));
}

TEST_F(KernelLogTest, NothingIsConsumedForOthers) {
  KernelLog one;
  KernelLog other;
  ASSERT_TRUE(Say(Name("shared")));
  EXPECT_THAT(one.Text(), HasSubstr(Name("shared")));
  EXPECT_THAT(other.Text(), HasSubstr(Name("shared")));
}

TEST_F(KernelLogTest, WaitsForWhatIsSaidLater) {
  Trace* const trace = Trace::Share();
  const std::string later = Name("later");  // it names this process
  KernelLog log;
  const pid_t speaker = StartChild(*trace, [&] {
    poll(nullptr, 0, 50);
    trace->Set("said", Say(later) ? 1 : 0);
  });
  EXPECT_TRUE(log.WaitFor(later, milliseconds(10000)));
  Reap(speaker);
  EXPECT_EQ(trace->Values().at("said"), 1);
  Trace::Release(trace);
}

TEST_F(KernelLogTest, WaitsNoLongerThanItIsTold) {
  KernelLog log;
  const Stopwatch watch;
  EXPECT_FALSE(log.WaitFor(Name("never"), milliseconds(50)));
  EXPECT_GE(watch.Milliseconds(), 49);
}

}  // namespace
}  // namespace oomgate
