// SPDX-License-Identifier: Apache-2.0
#include "runner/report/human.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Result Failed() {
  Result result;
  result.id = "pages/global_oom";
  result.params = Params(Params::Map{{"stride", "2m"}});
  result.verdict = Verdict::kFail;
  result.reason = "wanted one\ngot two";
  result.end = "oom-killed";
  result.place = "vm";
  result.shape = "vm-256m-1cpu";
  result.kernel = "6.1.0-cloud";
  result.seconds = 1.2344;
  result.values = {{"faults", 51200}, {"ratio", 0.123456789}};
  result.oom.emplace();
  result.oom->constraint = "CONSTRAINT_NONE";
  result.oom->victim = "subj\x1b[2Ject";
  result.oom->anon_rss_kb = 0;
  result.oom->pgtables_kb = 200000;
  result.console = "[1] Out of memory\n[2] \x1b[31mred";
  return result;
}

TEST(ResultLine, VerdictTimePlaceAndName) {
  EXPECT_EQ(ResultLine(Failed(), {}),
            "  FAIL [   1.234s] vm-256m-1cpu pages/global_oom[stride=2m]\n");
  Result skip = Failed();
  skip.verdict = Verdict::kSkip;
  skip.shape = "";
  skip.reason = "needs swap: 1m, has 0";
  EXPECT_EQ(ResultLine(skip, {}),
            "  SKIP [   1.234s] - pages/global_oom[stride=2m]: needs swap: 1m, "
            "has 0\n");
}

TEST(ResultLine, ColoursOnRequestOnly) {
  EXPECT_THAT(ResultLine(Failed(), {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(ResultLine(Failed(), {.colours = true}),
              HasSubstr("\x1b[1;31m  FAIL\x1b[0m"));
}

TEST(ResultLine, APassSaysThatStepsWereLeftOut) {
  Result pass = Failed();
  pass.verdict = Verdict::kPass;
  pass.left_out = {{"lock on fault", "needs 4.4"}};
  EXPECT_THAT(ResultLine(pass, {}), HasSubstr("2m] (1 step left out)\n"));
  pass.left_out.push_back({"lock again", "likewise"});
  EXPECT_THAT(ResultLine(pass, {}), HasSubstr("2m] (2 steps left out)\n"));
}

TEST(ResultLine, AKnownFailureSaysWhatFailed) {
  Result known = Failed();
  known.verdict = Verdict::kKnown;
  known.checks = {{"lock", "grown", "1", "2"}};
  known.also = {{kKnownBug, "fixed by 6.7"}};
  EXPECT_THAT(
      ResultLine(known, {}),
      HasSubstr(": lock: grown is 1, expected 2; known bug: fixed by 6.7\n"));
}

TEST(FailureText, WhatWasFoundAndTheCommandThatRepeatsIt) {
  Result failed = Failed();
  failed.checks = {{"lock twice", "grown", "8 MiB", "4 MiB"}};
  failed.also = {{kLeftBehind, "Shmem +4096 kB"}};
  failed.oom.reset();
  EXPECT_EQ(FailureText(failed, {.options = {"--memory=96m", "--append=a b"}}),
            "  FAIL [   1.234s] vm-256m-1cpu pages/global_oom[stride=2m]\n"
            "    lock twice    grown   8 MiB      expected 4 MiB\n"
            "    left behind   Shmem   +4096 kB\n"
            "    again: oomgate run 'pages/global_oom[stride=2m]' --on=vm "
            "--memory=96m '--append=a b' --kernel=6.1.0-cloud\n");
}

TEST(FailureText, OfAnOlderRunItIsTheReason) {
  EXPECT_EQ(
      FailureText(Failed(), {}),
      "  FAIL [   1.234s] vm-256m-1cpu pages/global_oom[stride=2m]\n"
      "    wanted one got two\n"
      "    oom kill   CONSTRAINT_NONE, victim subj\\x1b[2Ject, anon 0 kB, "
      "page tables 200000 kB\n"
      "    again: oomgate run 'pages/global_oom[stride=2m]' --on=vm "
      "--kernel=6.1.0-cloud\n");
}

TEST(RepeatCommand, KeepsTheKernelThatWasAskedFor) {
  EXPECT_EQ(RepeatCommand(Failed(), {"--kernel=/my/build"}),
            "oomgate run 'pages/global_oom[stride=2m]' --on=vm "
            "--kernel=/my/build");
  Result here = Failed();
  here.place = "cgroup";
  EXPECT_EQ(RepeatCommand(here, {}),
            "oomgate run 'pages/global_oom[stride=2m]' --on=cgroup");
}

TEST(SummaryLine, CountsByVerdict) {
  oomgate::Run run;
  run.results.resize(3);
  run.results[0].verdict = Verdict::kPass;
  run.results[1].verdict = Verdict::kPass;
  run.results[2].verdict = Verdict::kLost;
  EXPECT_EQ(SummaryLine(run, 2.5, {}),
            "Summary [   2.500s] 3 instances: 2 pass, 1 lost\n");
  run.interrupted = true;
  EXPECT_EQ(SummaryLine(run, 2.5, {}),
            "Interrupted [   2.500s] 3 instances: 2 pass, 1 lost; the rest was "
            "not run\n");
}

struct HumanReportTest : testing::Test {
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  ~HumanReportTest() override {
    std::fclose(out);
    std::fclose(err);
  }
  static std::string Written(std::FILE* file) {
    std::string text(65536, '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
  }
};

TEST_F(HumanReportTest, ResultsOnStdoutTheRestOnStderr) {
  HumanReport report(out, err, {});
  report.Planned(2, 1);
  report.Began({.place = Place::kHost}, {"a/b", {}});
  report.Noticed("booting \x1b[1m");
  report.Finished(Failed());
  oomgate::Run run;
  run.results = {Failed()};
  report.Over(run, "results/run.json", 1);
  EXPECT_EQ(Written(err), "oomgate: booting \\x1b[1m\n");
  EXPECT_THAT(Written(out),
              AllOf(HasSubstr("  FAIL [   1.234s]"), HasSubstr("1 fail\n"),
                    testing::EndsWith("results/run.json\n")));
}

TEST_F(HumanReportTest, ProgressIsOneLineThatIsClearedAgain) {
  {
    HumanReport report(out, err, {.progress = true});
    report.Planned(2, 1);
    report.Began({.place = Place::kHost}, {std::string(200, 'x'), {}});
  }
  const std::string text = Written(err);
  EXPECT_THAT(text, AllOf(HasSubstr("[0/2]"), Not(HasSubstr("\n")),
                          testing::EndsWith("\r\x1b[K")));
  EXPECT_EQ(Written(out), "");
}

}  // namespace
}  // namespace oomgate
