// SPDX-License-Identifier: Apache-2.0
#include "runner/programs.h"

#include <gmock/gmock.h>

#include <fstream>

#include "runner/error.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

struct ProgramsTest : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("programs." + std::to_string(::getpid()));
  ~ProgramsTest() override { fs::remove_all(root); }
  void MakePrograms(const fs::path& folder) const {
    fs::create_directories(folder);
    for (const char* name : {"oomgate-cases", "oomgate-init"}) {
      std::ofstream(folder / name) << "#!/bin/sh\n";
      fs::permissions(folder / name, fs::perms::owner_all);
    }
  }
};

TEST_F(ProgramsTest, StandBesideOrInLibexec) {
  MakePrograms(root / "libexec" / "oomgate");
  fs::create_directories(root / "bin");
  EXPECT_EQ(FindPrograms(root / "bin", nullptr).cases,
            root / "libexec" / "oomgate" / "oomgate-cases");
  MakePrograms(root / "bin");
  EXPECT_EQ(FindPrograms(root / "bin", nullptr).init,
            root / "bin" / "oomgate-init");
  std::ofstream(root / "bin" / "oomgate-profile.so") << "";
  EXPECT_EQ(FindPrograms(root / "bin", nullptr).profiler,
            root / "bin" / "oomgate-profile.so");
}

TEST_F(ProgramsTest, AnotherFolderOnRequestOnly) {
  MakePrograms(root / "other");
  EXPECT_EQ(FindPrograms(root, (root / "other").c_str()).cases,
            root / "other" / "oomgate-cases");
  EXPECT_EQ(FindPrograms(root, (root / "other").c_str()).profiler, "");
  EXPECT_THROW(FindPrograms(root, (root / "nowhere").c_str()), UserError);
  EXPECT_THROW(FindPrograms(root, nullptr), UserError);
}

}  // namespace
}  // namespace oomgate
