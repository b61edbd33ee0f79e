// SPDX-License-Identifier: Apache-2.0
#include "runner/report/evidence.h"

#include <gmock/gmock.h>

#include <sstream>

#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Result Lost() {
  Result result;
  result.verdict = Verdict::kLost;
  result.reason = "the kernel panicked: not syncing: sysrq triggered crash";
  result.console =
      "[1] before\n[2] Kernel panic - not syncing: sysrq\n[3] CPU: 0\n";
  for (int i = 0; i < 40; ++i) result.console += "[4] trace\n";
  return result;
}

TEST(Evidence, ColumnsOfWhatWasFound) {
  Result result = SampleFindings();
  result.console = "[1] WARNING: CPU: 0 PID: 7 at mm/mlock.c:1\n[2] RIP: x\n";
  EXPECT_EQ(EvidenceText(result, kScreen),
            "    lock twice       grown   8 MiB      expected 4 MiB\n"
            "    whole case       end     exited 0   expected OOM-killed\n"
            "    left behind      Shmem   +4096 kB\n"
            "    kernel warning   WARNING: CPU: 0 PID: 7 at mm/mlock.c:1\n"
            "    left out         lock on fault: needs kernel 4.4, has 4.3\n"
            "    kernel log (more in run.json)\n"
            "      [1] WARNING: CPU: 0 PID: 7 at mm/mlock.c:1\n"
            "      [2] RIP: x\n");
}

TEST(Evidence, ManyChecksAreCounted) {
  Result result;
  result.verdict = Verdict::kFail;
  for (int i = 0; i < 40; ++i) {
    result.checks.push_back({"step " + std::to_string(i), "v", "1", "2"});
  }
  const std::string text = EvidenceText(result, kScreen);
  EXPECT_THAT(text, AllOf(HasSubstr("step 10"), Not(HasSubstr("step 11 ")),
                          EndsWith("    and 29 more checks: run.json has them "
                                   "all\n")));
  EXPECT_THAT(EvidenceText(result, kUncut), HasSubstr("step 39"));
  result.checks.resize(12);
  EXPECT_THAT(EvidenceText(result, kScreen), HasSubstr("step 11"));
}

TEST(Evidence, IsAScreenAtMost) {
  Result result = SampleFindings();
  const std::string text(3000, 'x');
  for (int i = 0; i < 100; ++i) {
    result.checks.push_back({text, text, text, "\xc3\xa4" + text});
    result.also.push_back({kTaint, text});
    result.left_out.push_back({text, text});
    result.console += text + "\n";
  }
  result.oom.emplace();
  result.oom->victim = text;
  Result lost = Lost();
  lost.reason = text + "\n" + text + " " + text;
  for (const Result& one : {result, lost, Lost()}) {
    const std::vector<std::string> lines = LinesOf(EvidenceText(one, kScreen));
    EXPECT_LE(lines.size(), 22U);
    for (const std::string& line : lines) {
      EXPECT_LE(line.size(), 101U) << line;
    }
  }
}

TEST(Evidence, OfALostOneTheReasonAndWhereTheKernelComplains) {
  EXPECT_THAT(
      EvidenceText(Lost(), kScreen),
      testing::StartsWith(
          "    the kernel panicked: not syncing: sysrq triggered crash\n"
          "    kernel log (more in run.json)\n"
          "      [2] Kernel panic - not syncing: sysrq\n"
          "      [3] CPU: 0\n"));
  Result hang = Lost();
  hang.console = "[1] a\n[2] b\n[3] c\n[4] d\n[5] e\n[6] f\n[7] g\n";
  EXPECT_THAT(EvidenceText(hang, kScreen),
              AllOf(HasSubstr("[2] b\n"), EndsWith("      [7] g\n"),
                    Not(HasSubstr("[1] a"))));
}

TEST(Evidence, TheLogOfAPlainFailureIsLeftInTheRun) {
  Result result = SampleFindings();
  result.also.clear();
  result.console = "[1] all is well";
  EXPECT_THAT(EvidenceText(result, kScreen), Not(HasSubstr("all is well")));
}

TEST(Evidence, AKillIsToldOnce) {
  Result result = SampleFindings();
  result.oom.emplace();
  result.oom->constraint = "CONSTRAINT_MEMCG";
  result.oom->victim = "subject";
  EXPECT_THAT(
      EvidenceText(result, kScreen),
      HasSubstr("    oom kill         CONSTRAINT_MEMCG, victim subject"));
  result.also.push_back({kOomKiller, "killed subject"});
  EXPECT_THAT(EvidenceText(result, kScreen),
              AllOf(HasSubstr("oom killer       killed subject\n"),
                    Not(HasSubstr("oom kill "))));
}

TEST(Evidence, ALeakStandsUnderTheValuesWhereItIsOne) {
  Result result = SampleFindings();
  result.also = {{kLeftBehind, "anon-huge pages -4 kB"},
                 {kLeftBehind, "Shmem +4 kB, Slab +8 kB"}};
  EXPECT_THAT(EvidenceText(result, kScreen),
              AllOf(HasSubstr("left behind   anon-huge pages   -4 kB\n"),
                    HasSubstr("left behind   Shmem +4 kB, Slab +8 kB\n")));
}

TEST(Evidence, NothingMovesTheCursor) {
  Result result = SampleFindings();
  result.checks = {{"\x1b[2J", "a\nb", "\r", "\x9b"}};
  const std::string text = EvidenceText(result, kScreen);
  EXPECT_THAT(text, HasSubstr("    \\x1b[2J          a\\nb    \\x0d"));
}

}  // namespace
}  // namespace oomgate
