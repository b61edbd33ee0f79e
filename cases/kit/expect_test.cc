// SPDX-License-Identifier: Apache-2.0
// Every matcher of the kit: it holds where it should, and where it does not, it
// says what it saw and what it expected.
#include <gmock/gmock.h>
#include <signal.h>

#include <cerrno>

#include "oomgate/outcome.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An OOM kill as the kernel reports it; the subject had set two numbers.
Outcome Killed() {
  Outcome outcome;
  outcome.end = Outcome::End::kOomKilled;
  outcome.code = SIGKILL;
  outcome.values = {{"fill.written", 4 << 20},
                    {"fill.limit", 16 << 20},
                    {"fill.errno", ENOMEM},
                    {"pid", 40},
                    {"nothing", 0}};
  OomReport oom;
  oom.constraint = "CONSTRAINT_MEMCG";
  oom.nodemask = "0";
  oom.victim = kSubjectName;
  oom.pid = 42;
  oom.anon_rss_kb = 512;
  oom.file_rss_kb = 256;
  oom.shmem_rss_kb = 256;
  oom.pgtables_kb = 100;
  outcome.oom = oom;
  outcome.log =
      "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents "
      "oom_score_adj name\n"
      "[     42]     0    42     1000      256    102400        0          "
      "1000 oomgate-subject\n"
      "oom-kill:constraint=CONSTRAINT_MEMCG\n";
  return outcome;
}

Outcome Exited(int code = 0) {
  Outcome outcome;
  outcome.code = code;
  return outcome;
}

std::vector<FailedCheck> Failed(const Oracle& oracle,
                                const Outcome& outcome = Killed()) {
  return FailedChecks(oracle, {outcome, "fill"});
}

// One check that does not hold.
auto Says(const std::string& value, const std::string& seen,
          const std::string& expected) {
  return ElementsAre(FailedCheck{"fill", value, seen, expected});
}

TEST(Expect, AnEnd) {
  EXPECT_THAT(Failed(OomKilled()), IsEmpty());
  EXPECT_THAT(Failed(Survives()), Says("end", "oom-killed", "exited 0"));
  EXPECT_THAT(Failed(Survives(), Exited()), IsEmpty());
  EXPECT_THAT(Failed(Survives(), Exited(1)),
              Says("end", "exited 1", "exited 0"));
  EXPECT_THAT(Failed(OomKilled(), Exited()),
              Says("end", "exited 0", "oom-killed"));
}

TEST(Expect, KilledByIsASignalThatIsNoOomKill) {
  Outcome outcome;
  outcome.end = Outcome::End::kSignal;
  outcome.code = SIGBUS;
  EXPECT_THAT(Failed(KilledBy(SIGBUS), outcome), IsEmpty());
  EXPECT_THAT(Failed(KilledBy(SIGSEGV), outcome),
              Says("end", "killed by signal 7 (Bus error)",
                   "killed by signal 11 (Segmentation fault)"));
  EXPECT_THAT(Failed(KilledBy(SIGKILL)),
              Says("end", "oom-killed", "killed by signal 9 (Killed)"));
}

TEST(Expect, BystandersSurvive) {
  Outcome outcome = Killed();
  EXPECT_THAT(Failed(BystandersSurvive(), outcome), IsEmpty());
  outcome.dead_bystanders = "sibling";
  EXPECT_THAT(Failed(BystandersSurvive(), outcome),
              Says("bystanders", "dead: sibling", "all alive"));
}

TEST(Expect, CountIsFoundByItsNameInTheStepOrInFull) {
  EXPECT_THAT(Failed(Count("pid", 40)), IsEmpty());
  EXPECT_THAT(Failed(Count("fill.errno", ENOMEM)), IsEmpty());
  EXPECT_THAT(Failed(Count("pid", 41)), Says("pid", "40", "41"));
  EXPECT_THAT(Failed(Count("pid", Between(41, 43))),
              Says("pid", "40", "41 to 43"));
  EXPECT_THAT(Failed(Count("pid", Gt(40))), Says("pid", "40", "> 40"));
  EXPECT_THAT(Failed(Count("absent", 0)), Says("absent", "never set", "0"));
}

TEST(Expect, AnErrnoIsToldByItsName) {
  EXPECT_THAT(Failed(Count("errno", ENOMEM)), IsEmpty());
  EXPECT_THAT(Failed(Count("errno", 0)), Says("errno", "ENOMEM", "0"));
  EXPECT_THAT(Failed(Count("errno", EPERM)), Says("errno", "ENOMEM", "EPERM"));
}

TEST(Expect, SizeIsInTheLargestUnitThatIsExact) {
  EXPECT_THAT(Failed(Written(4_MiB)), IsEmpty());
  EXPECT_THAT(Failed(Written(4_MiB + 4_KiB)),
              Says("written", "4 MiB", "4100 KiB"));
  EXPECT_THAT(Failed(Size("limit", Lt(1_GiB + 1_B))), IsEmpty());
  EXPECT_THAT(Failed(Size("limit", Gt(1_GiB + 1_B))),
              Says("limit", "16 MiB", "> 1073741825 B"));
}

TEST(Expect, DifferenceShowsBothNumbers) {
  EXPECT_THAT(Failed(Difference("limit", "written", 12 << 20)), IsEmpty());
  EXPECT_THAT(Failed(Difference("limit", "pid", 0)),
              Says("limit less pid", "16777176 (limit 16777216, pid 40)", "0"));
  EXPECT_THAT(Failed(Difference("limit", "absent", 0)),
              Says("limit less absent", "absent was never set", "0"));
}

TEST(Expect, PercentOfNothingMatchesNothing) {
  EXPECT_THAT(Failed(Percent("written", "limit", 25.0)), IsEmpty());
  EXPECT_THAT(Failed(Percent("written", "limit", Gt(26.0))),
              Says("written in % of limit",
                   "25 (written 4194304, limit 16777216)", "> 26"));
  EXPECT_THAT(Failed(Percent("pid", "nothing", Ge(0.0))),
              Says("pid in % of nothing", "nan (pid 40, nothing 0)", ">= 0"));
}

TEST(Expect, TheKernelLogHasOneOfTheTexts) {
  EXPECT_THAT(Failed(KernelLogHas("CONSTRAINT_MEMCG")), IsEmpty());
  EXPECT_THAT(Failed(KernelLogHasAnyOf({"no such", "oom-kill:"})), IsEmpty());
  EXPECT_THAT(Failed(KernelLogHasAnyOf({"a", "no such"}), Exited()),
              Says("kernel log", "no such text", "\"a\" or \"no such\""));
}

TEST(Expect, TheReportOfAKill) {
  EXPECT_THAT(Failed(AllOf(OomConstraint("CONSTRAINT_MEMCG"), OomNodemask("0"),
                           OomVictimIsSubject(), OomRss(1_MiB),
                           OomAnonRss(512_KiB), OomPageTables(100_KiB))),
              IsEmpty());
  EXPECT_THAT(Failed(OomConstraint("CONSTRAINT_NONE")),
              Says("OOM report's constraint", "CONSTRAINT_MEMCG",
                   "\"CONSTRAINT_NONE\""));
  EXPECT_THAT(Failed(OomNodemask("1")),
              Says("OOM report's nodemask", "0", "\"1\""));
  EXPECT_THAT(Failed(OomRss(2_MiB)),
              Says("OOM report's rss", "1 MiB", "2 MiB"));
  EXPECT_THAT(Failed(OomAnonRss(Gt(1_MiB))),
              Says("OOM report's anon-rss", "512 KiB", "> 1 MiB"));
  EXPECT_THAT(Failed(OomPageTables(0_B)),
              Says("OOM report's pgtables", "100 KiB", "0 B"));
  EXPECT_THAT(Failed(OomVictimIsSubject(), Exited()),
              Says("OOM report's victim", "no OOM kill was reported",
                   "\"oomgate-subject\""));
  Outcome other = Killed();
  other.oom->victim = "sshd";
  EXPECT_THAT(Failed(OomVictimIsSubject(), other),
              Says("OOM report's victim", "sshd", "\"oomgate-subject\""));
}

TEST(Expect, ANumberOfTheReportOrOfItsTable) {
  EXPECT_THAT(Failed(OomNumber("pid", 42)), IsEmpty());
  EXPECT_THAT(Failed(OomNumber("table.rss", 256)), IsEmpty());
  EXPECT_THAT(Failed(OomNumber("anon-rss", 0)),
              Says("OOM report's anon-rss", "512", "0"));
  EXPECT_THAT(Failed(OomNumber("table.none", 0)),
              Says("OOM report's table.none",
                   "the kernel reported no table.none", "0"));
}

TEST(Expect, ANumberOfTheReportLessAValue) {
  EXPECT_THAT(Failed(OomNumberLess("pid", "pid", 2)), IsEmpty());
  EXPECT_THAT(Failed(OomNumberLess("pid", "pid", 0)),
              Says("OOM report's pid less pid", "2 (pid 42, pid 40)", "0"));
  EXPECT_THAT(
      Failed(OomNumberLess("pid", "absent", 0)),
      Says("OOM report's pid less absent", "absent was never set", "0"));
  EXPECT_THAT(
      Failed(OomNumberLess("pid", "pid", 0), Exited()),
      Says("OOM report's pid less pid", "the kernel reported no pid", "0"));
}

TEST(Expect, AllOfKeepsTheOrderAndReportsEachFailure) {
  const auto failed =
      Failed(AllOf(Count("pid", 1), OomKilled(), Count("nothing", 1)));
  EXPECT_THAT(failed, ElementsAre(FailedCheck{"fill", "pid", "40", "1"},
                                  FailedCheck{"fill", "nothing", "0", "1"}));
  EXPECT_THAT(Failed(Oracle()), IsEmpty());
}

}  // namespace
}  // namespace oomgate
