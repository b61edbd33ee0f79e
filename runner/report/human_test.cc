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

TEST(FailureText, EvidenceAndTheCommandThatRepeatsIt) {
  const std::string text =
      FailureText(Failed(), {.options = {"--memory=96m", "--append=a b"}});
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("    reason:\n        wanted one\n        got two\n"),
            HasSubstr("    ended: oom-killed\n"),
            HasSubstr("CONSTRAINT_NONE, victim subj\\x1b[2Ject, "),
            HasSubstr("anon-rss 0 kB, pgtables 200000 kB"),
            HasSubstr("faults 51200, ratio 0.123457"),
            HasSubstr("        [2] \\x1b[31mred\n"),
            HasSubstr("    again: oomgate run 'pages/global_oom[stride=2m]' "
                      "--on=vm --memory=96m '--append=a b' "
                      "--kernel=6.1.0-cloud\n"),
            Not(HasSubstr("\x1b"))));
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
