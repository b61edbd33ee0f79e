// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

Trial Side(const std::string& title, BisectAnswer answer, double value) {
  Trial trial{.key = title, .title = title, .outcome = {answer, "why"}};
  trial.run = "runs/" + title;
  trial.result.emplace();
  trial.result->end = "oom-killed";
  trial.result->values = {{"pages", value}, {"same", 1}};
  return trial;
}

TEST(FindingText, ShowsBothSidesAndWhatDiffers) {
  const TemporaryFolder folder(fs::temp_directory_path(), "finding-");
  for (const char* run : {"old", "new"}) {
    fs::create_directories(folder.path() / "runs" / run);
    SaveBytes(folder.path() / "runs" / run / "console-001-vm.log", "");
  }
  const std::string text =
      FindingText({.culprit = "first bad: new",
                   .before = Side("old", BisectAnswer::kGood, 3),
                   .now = Side("new", BisectAnswer::kBad, 4),
                   .again = "oomgate run"},
                  folder.path());
  EXPECT_THAT(text, HasSubstr("first bad: new\n"));
  EXPECT_THAT(text, HasSubstr("runs/old/console-001-vm.log"));
  EXPECT_THAT(text, HasSubstr("runs/new/console-001-vm.log"));
  EXPECT_THAT(text, HasSubstr("value   pages 3 -> 4\n"));
  EXPECT_THAT(text, Not(HasSubstr("same")));
  EXPECT_THAT(text, HasSubstr("again   oomgate run\n"));
}

TEST(FindingText, SaysWhichSideWasNotTried) {
  const std::string text = FindingText(
      {.culprit = "first bad: new", .now = Side("new", BisectAnswer::kBad, 4)},
      "/x");
  EXPECT_THAT(text, HasSubstr("before  not tried here\n"));
}

}  // namespace
}  // namespace oomgate
