// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/supervisor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

namespace oomgate {
namespace {

int Exited(int code) { return code << 8; }

int Score(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/oom_score_adj");
  int score = 9999;
  file >> score;
  return score;
}

TEST(StepExit, IsAlwaysOneThatGitUnderstands) {
  for (int code = 0; code < 256; ++code) {
    const int expected = code == 0 || code == 1 || code == 125 ? code : 255;
    EXPECT_EQ(StepExit(Exited(code), false), expected) << code;
    EXPECT_EQ(StepExit(Exited(code), true), 255) << code;
  }
  EXPECT_EQ(StepExit(SIGKILL, false), 125);
  EXPECT_EQ(StepExit(SIGSEGV, false), 255);
  EXPECT_EQ(StepExit(SIGTERM, false), 255);
}

// In a process of its own: the score of this one must stay.
TEST(SupervisedDeathTest, PassesTheCodeOn) {
  for (const int code : {0, 1, 125}) {
    EXPECT_EXIT(::_exit(Supervised([code] { return code; })),
                testing::ExitedWithCode(code), "");
  }
  EXPECT_EXIT(::_exit(Supervised([] { return 127; })),
              testing::ExitedWithCode(255), "");
}

TEST(SupervisedDeathTest, OutlivesItsWork) {
  EXPECT_EXIT(::_exit(Supervised([] { return std::raise(SIGKILL); })),
              testing::ExitedWithCode(125), "skip: the step was killed");
  EXPECT_EXIT(::_exit(Supervised([] { return std::raise(SIGUSR2); })),
              testing::ExitedWithCode(255), "stop: the step crashed");
}

TEST(SupervisedDeathTest, LeavesNothingOfKilledWork) {
  EXPECT_EXIT(
      {
        int ends[2];
        if (::pipe(ends) != 0) ::_exit(3);
        const int code = Supervised([] {
          // A grandchild with a process group of its own holds the pipe.
          if (::fork() == 0) {
            ::setpgid(0, 0);
            if (::fork() == 0) ::pause();
            ::pause();
          }
          return std::raise(SIGKILL);
        });
        ::close(ends[1]);
        char byte = 0;
        // The end of the pipe: nobody else has it open any more.
        ::_exit(::read(ends[0], &byte, 1) == 0 ? code : 2);
      },
      testing::ExitedWithCode(125), "");
}

TEST(SupervisedDeathTest, EndsWhenItIsToldTo) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGUSR1}) {
    EXPECT_EXIT(::_exit(Supervised([signal] {
                  ::kill(::getppid(), signal);
                  ::pause();
                  return 0;
                })),
                testing::ExitedWithCode(255), "");
  }
}

TEST(SupervisedDeathTest, LeavesIgnoredSignalsIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        ::_exit(Supervised([] {
          ::kill(::getppid(), SIGHUP);
          return 1;
        }));
      },
      testing::ExitedWithCode(1), "");
}

// Whether this machine lets us: root in a container may not.
bool MayLower() {
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream file("/proc/self/oom_score_adj");
    file << -1000 << std::flush;
    ::_exit(file ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST(SupervisedDeathTest, ProtectsItselfAndNothingElse) {
  const int before = Score(::getpid());
  const int wanted = MayLower() ? -1000 : before;
  EXPECT_EXIT(
      ::_exit(Supervised([before, wanted] {
        // The parent lowers its score while we run.
        for (int i = 0; i < 500 && Score(::getppid()) != wanted; ++i) {
          ::usleep(10'000);
        }
        return Score(::getppid()) == wanted && Score(::getpid()) == before ? 0
                                                                           : 1;
      })),
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace oomgate
