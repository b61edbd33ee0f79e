// SPDX-License-Identifier: Apache-2.0
#include "runner/ask/answer.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using Verdict = Answer::Verdict;
using testing::HasSubstr;

MemoryFacts Facts(int mode) {
  return {.mode = mode,
          .ram = 8_GiB,
          .swap = 2_GiB,
          .available = 6_GiB,
          .swap_free = 2_GiB,
          .commit_limit = 6_GiB,
          .committed = 2_GiB,
          .admin_reserve = 8_MiB,
          .user_reserve = 128_MiB};
}

Verdict Fork(const MemoryFacts& facts, Bytes size, bool exact = true) {
  return AskFork(facts, {.size = size, .largest = size, .exact = exact})
      .verdict;
}

TEST(AskFork, Mode0LooksAtTheLargestMapping) {
  EXPECT_EQ(Fork(Facts(0), 10_GiB), Verdict::kYes);
  EXPECT_EQ(Fork(Facts(0), 10_GiB + 4_KiB), Verdict::kNo);
  // The same as several mappings would be granted: it is not known.
  EXPECT_EQ(Fork(Facts(0), 10_GiB + 4_KiB, false), Verdict::kDepends);
  EXPECT_EQ(AskFork(Facts(0), {.size = 30_GiB, .largest = 9_GiB, .exact = true})
                .verdict,
            Verdict::kYes);
}

TEST(AskFork, Mode1RefusesNothing) {
  EXPECT_EQ(Fork(Facts(1), 100_GiB), Verdict::kYes);
}

TEST(AskFork, Mode2HasAThresholdToThePage) {
  EXPECT_EQ(Fork(Facts(2), 4_GiB - 4_KiB), Verdict::kYes);
  EXPECT_EQ(Fork(Facts(2), 4_GiB), Verdict::kNo);
}

TEST(AskFork, SeveralCpusBlurTheThreshold) {
  MemoryFacts facts = Facts(2);
  facts.cpus = 4;
  EXPECT_EQ(Fork(facts, 4_GiB), Verdict::kDepends);
  EXPECT_EQ(Fork(facts, 4_GiB - 64_MiB), Verdict::kYes);
  EXPECT_EQ(Fork(facts, 4_GiB + 64_MiB), Verdict::kNo);
}

TEST(AskFork, WhatIsWrittenMustFitToo) {
  const Answer answer =
      AskFork(Facts(1), {.size = 9_GiB, .largest = 9_GiB, .dirty = 9_GiB});
  EXPECT_EQ(answer.verdict, Verdict::kDepends);
  EXPECT_THAT(answer.answer, HasSubstr("OOM killer"));
}

TEST(AskFork, LimitsOfItsGroupsCountToo) {
  ForkQuestion question{.size = 1_GiB, .largest = 1_GiB, .exact = true};
  question.groups.pids = GroupLimit{.group = "/a", .limit = 10, .used = 9};
  question.groups.memory =
      GroupLimit{.group = "/b", .limit = (2_GiB).count, .used = 0};
  EXPECT_EQ(AskFork(Facts(1), question).verdict, Verdict::kYes);
  question.groups.memory->used = (2_GiB - 1_MiB).count;
  const Answer killed = AskFork(Facts(1), question);
  EXPECT_EQ(killed.verdict, Verdict::kDepends);
  EXPECT_THAT(killed.answer, HasSubstr("left in /b"));
  question.groups.memory->reclaimable = (3_MiB).count;
  EXPECT_EQ(AskFork(Facts(1), question).verdict, Verdict::kYes);
  question.groups.memory->reclaimable = 0;
  question.tables = 256_KiB;
  EXPECT_EQ(AskFork(Facts(1), question).verdict, Verdict::kYes);
  question.groups.pids->used = 10;
  const Answer refused = AskFork(Facts(1), question);
  EXPECT_EQ(refused.verdict, Verdict::kNo);
  EXPECT_THAT(refused.answer, HasSubstr("/a may have 10"));
}

TEST(AskCommit, ReservesAreKeptFromUsers) {
  EXPECT_EQ(CommitRoom(Facts(2), {}), 4_GiB - 4_KiB);
  EXPECT_EQ(CommitRoom(Facts(2), {.admin = false}), 4_GiB - 4_KiB - 8_MiB);
  EXPECT_EQ(CommitRoom(Facts(2), {true, 32_GiB}), 4_GiB - 4_KiB - 128_MiB);
}

ProcessFacts Process(int pid, Bytes rss, int adj) {
  return {.pid = pid,
          .name = "p" + std::to_string(pid),
          .oom_score_adj = adj,
          .rss = rss,
          .data = rss};
}

TEST(AskOom, RanksAsTheKernelDoes) {
  ProcessFacts tables = Process(5, 1_MiB, 0);
  tables.page_tables = 2_GiB;  // small but for its page tables
  ProcessFacts thread = Process(6, 9_GiB, 0);
  thread.kernel_thread = true;
  const auto ranked =
      RankVictims(Facts(0), {Process(1, 8_GiB, 0), Process(2, 1_GiB, 0),
                             Process(3, 8_GiB, -1000), Process(4, 64_MiB, 500),
                             tables, thread});
  std::vector<int> pids;
  for (const Ranked& r : ranked) pids.push_back(r.process.pid);
  EXPECT_THAT(pids, testing::ElementsAre(4, 5, 2));
  // 500 thousandths of RAM and swap.
  EXPECT_EQ(ranked[0].points, 16384 + 500 * (2621440 / 1000));
}

TEST(AskOom, PanicAndTheAllocatingTaskComeFirst) {
  MemoryFacts facts = Facts(0);
  const auto ranked = RankVictims(facts, {Process(2, 1_GiB, 0)});
  EXPECT_THAT(AskOom(facts, ranked).answer, HasSubstr("p2"));
  facts.kill_allocating_task = 1;
  EXPECT_EQ(AskOom(facts, ranked).verdict, Verdict::kDepends);
  facts.panic_on_oom = 1;
  EXPECT_EQ(AskOom(facts, ranked).verdict, Verdict::kNo);
}

TEST(AskMode2, NamesWhoCouldNotFork) {
  const MemoryFacts facts = Facts(0);
  const auto refused =
      RefusedByMode2(facts, {Process(2, 1_GiB, 0), Process(3, 5_GiB, 0)});
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].process.pid, 3);
  EXPECT_EQ(AskMode2(facts, {}).verdict, Verdict::kYes);
  MemoryFacts full = facts;
  full.committed = 7_GiB;
  EXPECT_EQ(AskMode2(full, {}).verdict, Verdict::kNo);
}

}  // namespace
}  // namespace oomgate
