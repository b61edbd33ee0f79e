// SPDX-License-Identifier: Apache-2.0
#include "runner/bisect/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

Trial TrialOf(const std::string& key, BisectAnswer answer) {
  Trial trial{.key = key, .title = "a title", .outcome = {answer, "why"}};
  trial.seconds = 1.5;
  trial.run = "runs/1";
  trial.result.emplace();
  trial.result->id = "meta/pass";
  trial.result->verdict = Verdict::kPass;
  return trial;
}

class BisectLogTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_{fs::temp_directory_path(), "bisect-log-"};
  const fs::path folder_ = temporary_.path() / "bisect";
  const Json question_ = {{"of", "settings"}};
};

TEST_F(BisectLogTest, GoesOnWhereItEnded) {
  {
    BisectLog log(folder_, question_);
    EXPECT_EQ(log.Find("a"), nullptr);
    log.Append(TrialOf("a", BisectAnswer::kGood));
    log.Append(TrialOf("b", BisectAnswer::kSkip));
    log.Append(TrialOf("a", BisectAnswer::kBad));
  }
  const BisectLog log(folder_, question_);
  ASSERT_THAT(log.trials(), SizeIs(3));
  EXPECT_EQ(log.Find("a")->outcome, (StepOutcome{BisectAnswer::kBad, "why"}));
  EXPECT_EQ(log.Find("b")->outcome.answer, BisectAnswer::kSkip);
  EXPECT_EQ(log.Find("b")->seconds, 1.5);
  EXPECT_EQ(log.Find("b")->run, "runs/1");
  EXPECT_EQ(log.Find("b")->result->id, "meta/pass");
}

TEST_F(BisectLogTest, ForgetsALineThatWasCutOff) {
  BisectLog(folder_, question_).Append(TrialOf("a", BisectAnswer::kGood));
  std::ofstream(folder_ / "log.jsonl", std::ios::app) << R"({"event":"st)";
  {
    BisectLog log(folder_, question_);
    EXPECT_THAT(log.trials(), SizeIs(1));
    log.Append(TrialOf("b", BisectAnswer::kBad));
  }
  EXPECT_THAT(BisectLog(folder_, question_).trials(), SizeIs(2));
}

TEST_F(BisectLogTest, StartsAnewWhereNotEvenTheFirstLineIsWhole) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "log.jsonl") << R"({"event":"bis)";
  BisectLog(folder_, question_).Append(TrialOf("a", BisectAnswer::kGood));
  EXPECT_THAT(BisectLog(folder_, question_).trials(), SizeIs(1));
}

TEST_F(BisectLogTest, RefusesTheLogOfAnotherQuestion) {
  const BisectLog log(folder_, question_);
  try {
    const BisectLog other(folder_, {{"of", "packages"}});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("another bisect"));
    EXPECT_THAT(error.what(), HasSubstr("settings"));
  }
}

TEST_F(BisectLogTest, SaysWhichLineCannotBeRead) {
  BisectLog(folder_, question_).Append(TrialOf("a", BisectAnswer::kGood));
  std::ofstream(folder_ / "log.jsonl", std::ios::app) << "{\"key\":1}\n";
  try {
    const BisectLog log(folder_, question_);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("log.jsonl:3:"));
  }
}

}  // namespace
}  // namespace oomgate
