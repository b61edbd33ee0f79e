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

TEST(ParseOomReports, NoiseHoldsNone) {
  EXPECT_TRUE(ParseOomReports("").empty());
  EXPECT_TRUE(ParseOomReports("Killed\nprocess 3\n").empty());
}

}  // namespace
}  // namespace oomgate
