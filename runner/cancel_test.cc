// SPDX-License-Identifier: Apache-2.0
#include "runner/cancel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "runner/error.h"

namespace oomgate {
namespace {

// A shell has its background jobs ignore SIGINT and SIGQUIT, which tests send.
class CtrlCIsHeard : public testing::Environment {
 public:
  void SetUp() override {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGQUIT, SIG_DFL);
  }
};
[[maybe_unused]] const auto* const kCtrlCIsHeard =
    testing::AddGlobalTestEnvironment(new CtrlCIsHeard);

TEST(EndOnCtrlCDeathTest, ExitsByItsCode) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          EndOnCtrlC();
          std::raise(signal);
        },
        testing::ExitedWithCode(kExitInterrupted), "");
  }
}

TEST(EndOnCtrlCDeathTest, OnlyOnceNothingHoldsIt) {
  EXPECT_EXIT(
      {
        EndOnCtrlC();
        {
          const HoldCtrlC held;
          std::raise(SIGINT);
          std::fputs("undone", stderr);
        }
        ::_exit(0);
      },
      testing::ExitedWithCode(kExitInterrupted), "undone");
}

TEST(EndOnCtrlCDeathTest, LeavesIgnoredSignalsIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGINT, SIG_IGN);
        EndOnCtrlC();
        std::raise(SIGINT);
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(CancelDeathTest, SeesATerminalThatWentAwayButNotUnderNohup) {
  EXPECT_EXIT(
      {
        const Cancel cancel;
        std::raise(SIGHUP);
        ::_exit(cancel.requested() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        const Cancel cancel;
        std::raise(SIGHUP);
        ::_exit(cancel.requested() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace oomgate
