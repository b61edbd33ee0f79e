// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "runner/bisect/trial.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::HasSubstr;

// A Cancel holds signals back for good: each test is a process of its own.
TEST(BuildDeathTest, SaysWhyItFailed) {
  EXPECT_EXIT(
      {
        const TemporaryFolder folder(fs::temp_directory_path(), "build-");
        const fs::path log = folder.path() / "builds/1.log";
        const Cancel cancel;
        const std::string why = Build(
            "echo out; echo 'mm/x.c:1: error: no' >&2; echo make: stop; exit 7",
            log, seconds(60), cancel);
        const bool all =
            LoadBytes(log) == "out\nmm/x.c:1: error: no\nmake: stop\n" &&
            Build("true", log, seconds(60), cancel).empty();
        std::fprintf(stderr, "%s\n", why.c_str());
        ::_exit(all ? 0 : 1);
      },
      testing::ExitedWithCode(0), "failed \\(exit 7\\): mm/x.c:1: error: no;");
  EXPECT_EXIT(
      {
        const TemporaryFolder folder(fs::temp_directory_path(), "build-");
        const Cancel cancel;
        const std::string why =
            Build("kill -9 $$", folder.path() / "1.log", seconds(60), cancel);
        std::fprintf(stderr, "%s\n", why.c_str());
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "ended by signal 9");
}

// Whether the grandchild that wrote its id there is gone, or will be soon.
bool Gone(const fs::path& file) {
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  if (pid <= 0) return false;
  for (int i = 0; i < 500; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string id, name, state;
    if (!(stat >> id >> name >> state) || state == "Z") return true;
    ::usleep(10'000);
  }
  return false;
}

TEST(BuildDeathTest, LeavesNothingBehindWhenItTakesTooLong) {
  EXPECT_EXIT(
      {
        const TemporaryFolder folder(fs::temp_directory_path(), "build-");
        const fs::path id = folder.path() / "id";
        const Cancel cancel;
        const std::string why =
            Build("sh -c 'echo $$ >" + id.string() + "; sleep 600'; true",
                  folder.path() / "1.log", seconds(1), cancel);
        std::fprintf(stderr, "%s\n", why.c_str());
        ::_exit(Gone(id) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "took more than 1 s");
}

TEST(BuildDeathTest, EndsOnCtrlC) {
  EXPECT_EXIT(
      {
        const TemporaryFolder folder(fs::temp_directory_path(), "build-");
        const Cancel cancel;
        std::raise(SIGINT);
        try {
          Build("sleep 600", folder.path() / "1.log", seconds(60), cancel);
        } catch (const Interrupted&) {
          ::_exit(0);
        }
        ::_exit(1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace oomgate
