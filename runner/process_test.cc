// SPDX-License-Identifier: Apache-2.0
#include "runner/process.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "runner/error.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

TEST(RunToEnd, CapturesBothOutputsAndTheStatus) {
  const Finished f = RunToEnd(
      {.argv = {"sh", "-c", "echo a; echo b >&2; exit 3"}}, milliseconds(5000));
  EXPECT_EQ(f.out, "a\n");
  EXPECT_EQ(f.err, "b\n");
  EXPECT_EQ(WEXITSTATUS(f.status), 3);
  EXPECT_FALSE(f.ok());
}

TEST(RunToEnd, StopsAtTheDeadlineAndKeepsWhatCame) {
  const auto before = steady_clock::now();
  const Finished f = RunToEnd({.argv = {"sh", "-c", "echo a; exec sleep 60"}},
                              milliseconds(200));
  EXPECT_TRUE(f.deadline);
  EXPECT_EQ(f.out, "a\n");
  EXPECT_LT(steady_clock::now() - before, milliseconds(5000));
}

TEST(Child, TellsAKillFromAnExit) {
  Child child({.argv = {"sleep", "60"}});
  EXPECT_EQ(child.Wait(milliseconds(0)), std::nullopt);
  child.Kill(SIGKILL);
  const auto status = child.Wait(milliseconds(5000));
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status));
  EXPECT_EQ(WTERMSIG(*status), SIGKILL);
}

TEST(Child, MissingProgramIsNamed) {
  EXPECT_THROW(Child({.argv = {"oomgate-no-such-program"}}), HarnessError);
}

TEST(Child, GetsOnlyTheDescriptorsItWasGiven) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // without O_CLOEXEC: would leak
  const Finished f =
      RunToEnd({.argv = {"sh", "-c", "echo x >&7; ls /proc/self/fd"},
                .descriptors = {{7, ends[1]}}},
               milliseconds(5000));
  char c = 0;
  EXPECT_EQ(read(ends[0], &c, 1), 1);
  EXPECT_EQ(c, 'x');
  close(ends[0]);
  close(ends[1]);
  // 3 is the folder that ls reads.
  EXPECT_EQ(f.out, "0\n1\n2\n3\n7\n");
}

TEST(FindProgram, LooksInPath) {
  EXPECT_THAT(FindProgram("sh"), HasSubstr("/sh"));
  EXPECT_EQ(FindProgram("oomgate-no-such-program"), "");
}

}  // namespace
}  // namespace oomgate
