// SPDX-License-Identifier: Apache-2.0
// What a renderer makes of it is checked by ci/checks/reports.sh.
#include "runner/report/markdown.h"

#include <gmock/gmock.h>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Markdown, VerdictPlacesFindingsThenTheRest) {
  const std::string text = ToMarkdown(ToReport({EveryVerdict()}));
  EXPECT_THAT(text, testing::StartsWith("## oomgate: fail\n\n1 pass, 1 known, "
                                        "1 skip, 1 fail, 1 broken, 1 lost. "));
  EXPECT_THAT(text,
              HasSubstr("| `vm-256m-1cpu, 6.1.0-cloud` | `tcg` | 1 pass"));
  EXPECT_THAT(text, HasSubstr("### fail: `pages/fail[stride=2m]` on "
                              "`vm-256m-1cpu, 6.1.0-cloud`\n\n```text\n"
                              "wanted one\ngot two\n```\n"));
  EXPECT_THAT(text, HasSubstr("| known | `pages/known[stride=2m]` | "
                              "`vm-256m-1cpu, 6.1.0-cloud` | "
                              "`wanted one got two` |\n"));
  EXPECT_THAT(text, HasSubstr("| 1.250 | `cost 0.5, faults 51200` |\n"));
  EXPECT_THAT(text, Not(HasSubstr("run.json.")));
}

TEST(Markdown, AFailureShowsItsChecks) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  const std::string text = ToMarkdown(ToReport({run}));
  EXPECT_THAT(text,
              HasSubstr("```text\n    lock twice       grown   8 MiB      "
                        "expected 4 MiB\n"));
  EXPECT_THAT(text, HasSubstr("<summary>steps left out</summary>\n\n"
                              "| instance | place | step | reason |\n"));
  EXPECT_THAT(text, HasSubstr("| `lock on fault` | "
                              "`needs kernel 4.4, has 4.3` |\n"));
}

TEST(Markdown, FencesAreLongerThanWhatTheyHold) {
  oomgate::Run run = SampleRun({Verdict::kFail});
  run.results[0].id = "a`b``";
  run.results[0].params = {};
  run.results[0].reason = "````";
  const std::string text = ToMarkdown(ToReport({run}));
  EXPECT_THAT(text, HasSubstr("### fail: ``` a`b`` ``` on `"));
  EXPECT_THAT(text, HasSubstr("`````text\n````\n`````\n"));
}

TEST(Markdown, WithinItsLimitFindingsComeFirst) {
  std::vector<Verdict> verdicts(2000, Verdict::kPass);
  verdicts.push_back(Verdict::kFail);
  const Reported reported = ToReport({SampleRun(verdicts)});
  const std::string text = MarkdownWithin(reported, 20000);
  EXPECT_LE(text.size(), 20000U);
  EXPECT_GT(text.size(), 15000U);
  EXPECT_THAT(text, HasSubstr("### fail: `pages/fail[stride=2m]`"));
  EXPECT_THAT(text, HasSubstr("\n</details>\n\n\n\n"));
  EXPECT_THAT(text, testing::ContainsRegex("[0-9]+ more entries are in run"));
}

TEST(Markdown, AnEmptyLimitIsKept) {
  EXPECT_LE(MarkdownWithin(ToReport({EveryVerdict()}), 0).size(), 64U);
}

}  // namespace
}  // namespace oomgate
