// SPDX-License-Identifier: Apache-2.0
#include "runner/report/read_run.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "runner/error.h"
#include "runner/record/run_folder.h"
#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

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

TEST(ReadRun, WhatAnOlderOomgateWrote) {
  const fs::path file = fs::path(testing::TempDir()) / "schema1.json";
  std::ofstream(file) << R"({"schema":1,"oomgate":"0.1.0","results":[)"
                         R"({"id":"a/b","params":{},"verdict":"fail",)"
                         R"("reason":"expected (x); but it exited 0"}]})";
  const oomgate::Run run = ReadRun(file);
  EXPECT_EQ(run.schema, 1);
  EXPECT_EQ(run.results.at(0).reason, "expected (x); but it exited 0");
  EXPECT_TRUE(run.results[0].checks.empty());
  // What is reported of it has its reason, as it stands.
  EXPECT_THAT(ToMarkdown(ToReport({run})),
              testing::HasSubstr("expected (x); but it exited 0\n"));
}

TEST(ReadRun, ErrorsNameTheFileAndWhatIsWrong) {
  using testing::HasSubstr;
  EXPECT_THAT(ErrorOf("{"), HasSubstr("run.json: not a run.json: "));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("not a run.json"));
  EXPECT_THAT(ErrorOf("{\"schema\":1}"), HasSubstr("'results' not found"));
  EXPECT_THAT(ErrorOf("{\"schema\":99,\"results\":[]}"),
              HasSubstr("schema 99, this program reads 1 to 2"));
  EXPECT_THROW(ReadRun("/nonexistent/run.json"), UserError);
}

}  // namespace
}  // namespace oomgate
