// SPDX-License-Identifier: Apache-2.0
// Lines as kernels printed them.
#include "cases/kit/oom_report.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

TEST(ParseOomReports, MemoryCgroup) {
  const auto reports = ParseOomReports(
      "oomgate-subject invoked oom-killer: "
      "gfp_mask=0x400dc0(GFP_KERNEL_ACCOUNT|"
      "__GFP_ZERO), order=0, oom_score_adj=1000\n"
      "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents "
      "oom_score_adj name\n"
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
      "mems_allowed=0,oom_memcg=/oomgate-1-2-0,task_memcg=/oomgate-1-2-0,"
      "task=oomgate-subject,pid=123,uid=0\n"
      "Memory cgroup out of memory: Killed process 123 (oomgate-subject) "
      "total-vm:85899348128kB, anon-rss:0kB, file-rss:1024kB, shmem-rss:4kB, "
      "UID:0 pgtables:65296kB oom_score_adj:1000\n");
  ASSERT_EQ(reports.size(), 1U);
  const OomReport& r = reports[0];
  EXPECT_EQ(r.constraint, "CONSTRAINT_MEMCG");
  EXPECT_EQ(r.nodemask, "(null)");
  EXPECT_EQ(r.oom_memcg, "/oomgate-1-2-0");
  EXPECT_EQ(r.task_memcg, "/oomgate-1-2-0");
  EXPECT_EQ(r.invoked_by, "oomgate-subject");
  EXPECT_EQ(r.victim, "oomgate-subject");
  EXPECT_FALSE(r.global);
  EXPECT_EQ(r.pid, 123);
  EXPECT_EQ(r.total_vm_kb, 85899348128);
  EXPECT_EQ(r.anon_rss_kb, 0);
  EXPECT_EQ(r.file_rss_kb, 1024);
  EXPECT_EQ(r.shmem_rss_kb, 4);
  EXPECT_EQ(r.pgtables_kb, 65296);
  EXPECT_EQ(r.oom_score_adj, 1000);
}

TEST(ParseOomReports, GlobalWithNodesAndANameWithBrackets) {
  const auto reports = ParseOomReports(
      "oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,2,cpuset=/,"
      "mems_allowed=0-2,global_oom,task_memcg=/,task=a (b) c,pid=9,uid=0\n"
      "Out of memory: Killed process 9 (a (b) c) total-vm:8kB, anon-rss:4kB, "
      "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:44kB oom_score_adj:-900\n");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].nodemask, "0,2");
  EXPECT_TRUE(reports[0].global);
  EXPECT_EQ(reports[0].victim, "a (b) c");
  EXPECT_EQ(reports[0].oom_score_adj, -900);
}

TEST(ParseOomReports, ASuppressedHeaderIsNotBorrowedFromTheKillBefore) {
  const auto reports = ParseOomReports(
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/\n"
      "Memory cgroup out of memory: Killed process 1 (a) total-vm:1kB\n"
      "Memory cgroup out of memory: Killed process 2 (b) total-vm:1kB");
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].constraint, "CONSTRAINT_MEMCG");
  EXPECT_EQ(reports[1].constraint, "");
  EXPECT_EQ(reports[1].pid, 2);
  EXPECT_EQ(reports[1].pgtables_kb, -1);
}

TEST(OomTableRow, ByTheNamesOfTheTableAtHand) {
  const char* log =
      "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents "
      "oom_score_adj name\n"
      "[    119]     0   119     2914     1312    53248        7"
      "           300 a [120] b\n"
      "[    120]     0   120        1        2        3        4          -900"
      " x\n"
      "Killed process 119 (a)\n"
      "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem "
      "pgtables_bytes swapents oom_score_adj name\n"
      "[    121]     0   121     2914     1312     1000      300       12"
      "    53248        0             0 y\n";
  auto row = OomTableRow(log, 119);
  EXPECT_EQ(row["tgid"], 119);
  EXPECT_EQ(row["total_vm"], 2914);
  EXPECT_EQ(row["rss"], 1312);
  EXPECT_EQ(row["pgtables_bytes"], 53248);
  EXPECT_EQ(row["swapents"], 7);
  EXPECT_EQ(row["oom_score_adj"], 300);
  EXPECT_EQ(row.count("rss_anon"), 0U);
  EXPECT_EQ(row["lines"], 1);
  EXPECT_EQ(OomTableRow(log, 120)["oom_score_adj"], -900);
  EXPECT_EQ(OomTableRow(log, 121)["rss_file"], 300);
  EXPECT_EQ(OomTableRow(log, 121)["pgtables_bytes"], 53248);
  EXPECT_TRUE(OomTableRow(log, 12).empty());
}

TEST(OomTableRow, CountsItsLinesInTheLastTable) {
  const std::string table =
      "[  pid  ]   uid  tgid total_vm name\n"
      "[    119]     0   119     2914 a\n";
  EXPECT_EQ(OomTableRow(table + table, 119)["lines"], 1);
  EXPECT_EQ(
      OomTableRow(table + "[    119]     0   119     2914 a\n", 119)["lines"],
      2);
}

TEST(ParseOomReports, NoiseHoldsNone) {
  EXPECT_TRUE(ParseOomReports("").empty());
  EXPECT_TRUE(ParseOomReports("Killed\nprocess 3\n").empty());
}

}  // namespace
}  // namespace oomgate
