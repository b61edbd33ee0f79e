// SPDX-License-Identifier: Apache-2.0
#include "runner/report/github.h"

#include <gmock/gmock.h>

#include <sstream>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

using testing::HasSubstr;

// Lines that are commands of this type.
int Count(const std::string& commands, const std::string& type) {
  std::istringstream in(commands);
  int count = 0;
  for (std::string line; std::getline(in, line);) {
    count += line.starts_with("::" + type + " ") ? 1 : 0;
  }
  return count;
}

TEST(Github, AnnotatesFindingsAndKnown) {
  const GithubStep step =
      ToGithubStep(ToReport({EveryVerdict()}), {"a/run.json", "page.md"});
  EXPECT_EQ(Count(step.commands, "error"), 3);
  EXPECT_EQ(Count(step.commands, "warning"), 1);
  EXPECT_THAT(step.commands,
              HasSubstr("::error title=fail%3A pages/fail[stride=2m] on "
                        "vm-256m-1cpu::wanted one%0Agot two\n"));
  EXPECT_EQ(step.outputs,
            "verdict=fail\nrun-json=a/run.json\nreport=page.md\n");
  EXPECT_THAT(step.summary, HasSubstr("### fail: "));
}

TEST(Github, AnAnnotationHasALineForWhateverWasFound) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  EXPECT_THAT(
      ToGithubStep(ToReport({run}), {}).commands,
      HasSubstr("::lock twice: grown is 8 MiB, expected 4 MiB%0Aend is exited "
                "0, expected OOM-killed%0Aleft behind: Shmem +4096 kB%0Akernel "
                "warning: WARNING: CPU: 0 PID: 7 at mm/mlock.c:1%0Aleft out: "
                "lock on fault: needs kernel 4.4, has 4.3\n"));
}

TEST(Github, TenOfATypeAtMostAndTheRestIsCounted) {
  for (const std::size_t findings : {9U, 10U, 11U, 500U}) {
    const GithubStep step = ToGithubStep(
        ToReport({SampleRun(std::vector<Verdict>(findings, Verdict::kFail))}),
        {});
    EXPECT_EQ(Count(step.commands, "error"),
              static_cast<int>(std::min<std::size_t>(findings, 10)));
    if (findings > 10) {
      EXPECT_THAT(step.commands,
                  HasSubstr("title=" + std::to_string(findings - 9) + " more"));
    }
  }
}

TEST(Github, PathsAddNoOutput) {
  const GithubStep step = ToGithubStep(ToReport({EveryVerdict()}),
                                       {"x\nverdict=pass", "y\nverdict=pass"});
  EXPECT_EQ(step.outputs,
            "verdict=fail\nrun-json=x\\nverdict=pass\n"
            "report=y\\nverdict=pass\n");
}

TEST(Github, ShowsWhatItMayNotWrite) {
  EXPECT_EQ(ShownInstead("A", "::error::x\n\ny\n"),
            "A | ::error::x\nA | \nA | y\n");
  const std::string text = ToGithub(ToReport({EveryVerdict()}));
  EXPECT_THAT(text, HasSubstr("GITHUB_STEP_SUMMARY | ## oomgate: fail\n"));
  EXPECT_THAT(text, HasSubstr("GITHUB_OUTPUT | verdict=fail\n"));
}

}  // namespace
}  // namespace oomgate
