// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/load.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "runner/compare/test_runs.h"
#include "runner/error.h"
#include "runner/record/run_folder.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

auto Full() {
  oomgate::Run run = TestRun();
  run.interrupted = true;
  run.shard = Shard{2, 4, "c0ffee", {1, 5}};
  run.starts[0].config_digest = "c";
  run.starts[0].boot_seconds = 1.5;
  run.starts[0].swap_total = 4096;
  run.metrics["a/one"] = {{.name = "rss",
                           .better = Better::kLower,
                           .unit = "bytes",
                           .kind = Kind::kBounded,
                           .tolerance = 4096,
                           .cause = "per-CPU charges \"\\ \u00e4"}};
  AddResult(run, "a/one", {{"rss", 4096}, {"ratio", .5}}).params =
      Params(Params::Map{{"x", "1"}, {"b", ""}});
  Result& fail = AddResult(run, "a/two");
  fail.verdict = Verdict::kFail;
  fail.reason = "too\nmuch";
  fail.seconds = 2.25;
  fail.checks = {{"lock", "grown", "8 MiB", "4 MiB"}, {"", "end", "", "x"}};
  fail.also = {{kLeftBehind, "Shmem +4 kB"}};
  fail.left_out = {{"lock on fault", "needs 4.4"}};
  run.invert = true;
  run.without = "lock twice";
  return run;
}

std::string ErrorOf(const std::string& text) {
  try {
    ParseRun(text, "run.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

// The text of a full run with one replacement.
std::string Edited(const std::string& from, const std::string& to) {
  std::string text = ToJsonText(Full());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Load, WhatWasSaved) {
  EXPECT_EQ(ParseRun(ToJsonText(Full()), "run.json"), Full());
}

TEST(Load, EvidenceIsLeftBehind) {
  oomgate::Run run = Full();
  run.results[0].values = {{"v", 1}};
  run.results[1].oom = OomReport{};
  run.results[1].console = "log";
  EXPECT_EQ(ParseRun(ToJsonText(run), "run.json"), Full());
}

TEST(Load, AFileOfBeforeHasNoNewFields) {
  const oomgate::Run run =
      ParseRun(R"({"schema":1,"starts":[{"place":"host","shape":"host"}],)"
               R"("results":[{"id":"a/b","params":{},"verdict":"skip"}]})",
               "run.json");
  EXPECT_EQ(run.starts[0].qemu, "");
  EXPECT_EQ(run.results[0].verdict, Verdict::kSkip);
}

TEST(Load, SchemaOneStaysReadable) {
  oomgate::Run old = Full();
  old.schema = 1;
  for (Result& result : old.results) {
    result.checks.clear();
    result.also.clear();
    result.left_out.clear();
  }
  const std::string text = ToJsonText(old);
  EXPECT_EQ(ParseRun(text, "run.json"), old);
  EXPECT_EQ(ToJsonText(ParseRun(text, "run.json")), text);
}

TEST(Load, UnknownFieldsAreOfANewerWriter) {
  EXPECT_EQ(ParseRun(Edited("\"schema\"", "\"new\": [{}], \"schema\""), "f"),
            Full());
}

TEST(Load, AWrongValueHasFileLineAndField) {
  EXPECT_THAT(ErrorOf("{\"schema\": 1,\n\"results\": [\n{\"id\": \"a\",\n"
                      "\"verdict\": \"fine\"}]}"),
              StartsWith("run.json:4: results[0].verdict: is \"fine\", must be "
                         "one of pass, known"));
  EXPECT_THAT(
      ErrorOf(Edited("\"rss\": 4096", "\"rss\": \"much\"")),
      HasSubstr("results[0].metrics.rss: is \"much\", must be a number"));
  EXPECT_THAT(ErrorOf(Edited("\"rss\": 4096", "\"rss\": null")),
              HasSubstr("results[0].metrics.rss: is null, must be a number"));
  EXPECT_THAT(ErrorOf(Edited("\"kind\": \"bounded\"", "\"kind\": 3")),
              HasSubstr("metrics.a/one[0].kind: is 3, must be a text"));
  EXPECT_THAT(ErrorOf(Edited("\"cpus\": 1", "\"cpus\": 1.5")),
              HasSubstr("starts[0].cpus: is 1.5, must be a whole number"));
  EXPECT_THAT(ErrorOf(Edited("\"interrupted\": true", "\"interrupted\": 1")),
              HasSubstr("interrupted: is 1, must be true or false"));
  EXPECT_THAT(ErrorOf(Edited("\"value\": \"grown\"", "\"value\": 3")),
              HasSubstr("results[1].checks[0].value: is 3, must be a text"));
  EXPECT_THAT(ErrorOf("{\"schema\":1,\"results\":{}}"),
              HasSubstr("results: is {"));
}

TEST(Load, AMissingFieldIsNamed) {
  EXPECT_THAT(ErrorOf(R"({"schema":1,"results":[{"verdict":"pass"}]})"),
              HasSubstr("results[0].id: is not there"));
  EXPECT_THAT(ErrorOf(R"({"schema":1})"), HasSubstr("results: is not there"));
  EXPECT_THAT(ErrorOf(R"({"results":[]})"), HasSubstr("schema: is not there"));
}

TEST(Load, AnotherSchemaIsRefusedInOneLine) {
  EXPECT_THAT(ErrorOf("{\"results\": 7,\n\"schema\": 3}"),
              StartsWith("run.json:2: schema: is 3, this oomgate reads schema "
                         "1 to 2: take the oomgate that wrote it"));
  EXPECT_THAT(ErrorOf("{\"schema\": 0}"), HasSubstr("run again"));
}

TEST(Load, DamageHasALine) {
  const std::string whole = ToJsonText(Full());
  for (std::size_t length = 0; length < whole.size() - 2; length += 7) {
    EXPECT_THAT(ErrorOf(whole.substr(0, length)),
                testing::MatchesRegex("run.json:[0-9]+: .*"))
        << length;
  }
  EXPECT_THAT(ErrorOf("{\"schema\": 1,\n\"results\": [\n}"),
              StartsWith("run.json:3: "));
  EXPECT_THAT(ErrorOf(whole + "more"), HasSubstr("run.json:"));
  EXPECT_THAT(ErrorOf("\xff\xfe"), HasSubstr("run.json:1: "));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("must be an object"));
  EXPECT_THAT(ErrorOf("7"), HasSubstr("run.json:1: "));
  EXPECT_THAT(ErrorOf(Edited("\"ratio\": 0.5,", "\"ratio\": 0.5")),
              testing::MatchesRegex("run.json:[0-9]+: .*"));
}

struct FindRunsTest : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("find." + std::to_string(::getpid()));
  ~FindRunsTest() override { fs::remove_all(root); }
  fs::path Make(const std::string& path) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << ToJsonText(Full());
    return root / path;
  }
};

TEST_F(FindRunsTest, AFileAFolderAFolderOfThem) {
  const fs::path one = Make("runs/1/run.json");
  const fs::path two = Make("runs/2/run.json");
  Make("runs/2/other.json");
  const fs::path base = Make("baselines/vm-256m-1cpu/6.1.json");
  EXPECT_THAT(FindRuns(one), ElementsAre(one));
  EXPECT_THAT(FindRuns(root / "runs/1"), ElementsAre(one));
  EXPECT_THAT(FindRuns(root / "runs"), ElementsAre(one, two));
  EXPECT_THAT(FindRuns(root / "baselines"), ElementsAre(base));
  EXPECT_EQ(LoadRun(base), Full());
}

TEST_F(FindRunsTest, WhatIsNotThere) {
  fs::create_directories(root / "empty");
  EXPECT_THROW(FindRuns(root / "absent"), UserError);
  EXPECT_THROW(FindRuns(root / "empty"), UserError);
  EXPECT_THROW(LoadRun(root / "absent"), UserError);
}

}  // namespace
}  // namespace oomgate
