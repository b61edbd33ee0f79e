// SPDX-License-Identifier: Apache-2.0
#include "runner/report/read_run.h"

#include <gmock/gmock.h>

#include <fstream>

#include "runner/error.h"
#include "runner/record/run_folder.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

std::string ErrorOf(const std::string& text) {
  const std::string file = testing::TempDir() + "run.json";
  std::ofstream(file) << text;
  try {
    ReadRun(RunJsonAt(file));
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(ReadRun, WhatARunWrote) {
  const RunFolder folder(testing::TempDir() + "runs");
  std::ofstream(folder.run_json()) << ToJsonText(EveryVerdict());
  EXPECT_EQ(ReadRun(RunJsonAt(folder.path())), EveryVerdict());
  EXPECT_EQ(ReadRun(RunJsonAt(folder.run_json())), EveryVerdict());
}

TEST(ReadRun, ErrorsNameTheFileAndWhatIsWrong) {
  using testing::HasSubstr;
  EXPECT_THAT(ErrorOf("{"), HasSubstr("run.json: not a run.json: "));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("not a run.json"));
  EXPECT_THAT(ErrorOf("{\"schema\":1}"), HasSubstr("'results' not found"));
  EXPECT_THAT(ErrorOf("{\"schema\":99,\"results\":[]}"),
              HasSubstr("schema 99, this program reads 1"));
  EXPECT_THROW(ReadRun("/nonexistent/run.json"), UserError);
}

}  // namespace
}  // namespace oomgate
