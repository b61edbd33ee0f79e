// SPDX-License-Identifier: Apache-2.0
#include "runner/profile/profile_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/record/run_folder.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

TEST(ProfileFile, ComesBackFromARunsFolder) {
  const fs::path root = fs::path(testing::TempDir()) / "profile-file";
  fs::remove_all(root);
  RunFolder run(root);
  EXPECT_THROW(LoadProfiles(run.path()), UserError);
  const Profile first{"a/b[c=d]", "vm-256m-1cpu", "6.1", "deed", {{"f", 1}}};
  const Profile second{
      "a/c", "vm-256m-1cpu", "6.1", "guest", {{"f", 1ULL << 63}}};
  run.Append(first);
  run.Append(second);
  const auto profiles = LoadProfiles(run.path());
  EXPECT_EQ(profiles.size(), 2U);
  EXPECT_EQ(profiles.at("a/b[c=d]"), first);
  EXPECT_EQ(LoadProfiles(run.path() / kProfileFile).at("a/c"), second);

  std::ofstream(run.path() / kProfileFile, std::ios::app) << "{\"cut o";
  EXPECT_THROW(LoadProfiles(run.path()), UserError);
  fs::remove_all(root);
}

}  // namespace
}  // namespace oomgate
