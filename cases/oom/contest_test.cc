// SPDX-License-Identifier: Apache-2.0
// Contests in a memory cgroup of this machine: who is killed is one of ours.
#include "cases/oom/contest.h"

#include "cases/kit/sanitized_test.h"
#include "cases/oom/in_contest_test.h"
#include "oomgate/stopwatch.h"

namespace oomgate::oom {
namespace {

TEST_F(ContestTest, APlayerHoldsWhatItIsToldWithItsScoreAndSleeps) {
  EXPECT_EQ(
      InBox([&] {
        Gate ready(trace());
        const auto play = [&](int adj, void (*hold)(Trace&, Bytes),
                              Bytes size) {
          return StartPlayer(trace(), ready, adj, [&] { hold(trace(), size); });
        };
        const pid_t none = play(0, HoldAnonymous, kPage);
        const pid_t anonymous = play(123, HoldAnonymous, 4_MiB);
        const pid_t shared = play(0, HoldShared, 4_MiB);
        const pid_t tables = play(0, HoldTables, 4_MiB);
        const auto more = [&](const char* field, pid_t pid) {
          return StatusField(field, pid) - StatusField(field, none);
        };
        trace().Set("anonymous", AnonymousOf(anonymous));
        trace().Set("nothing", AnonymousOf(none));
        trace().Set("not_anonymous", AnonymousOf(shared));
        trace().Set("pages", PagesOf(anonymous) - PagesOf(none));
        trace().Set("table_pages", PagesOf(tables) - PagesOf(none));
        trace().Set("shared", more("RssShmem", shared));
        trace().Set("tables", more("VmPTE", tables));
        trace().Set("table_rss", more("VmRSS", tables) / kPage);
        trace().Set("state", ProcessState(anonymous));
        char path[48];
        std::snprintf(path, sizeof path, "/proc/%d/oom_score_adj", anonymous);
        trace().Set("adj", NumberIn(path));
        SetAdj(trace(), anonymous, 7);
        trace().Set("new_adj", NumberIn(path));
        for (const pid_t pid : {none, anonymous, shared, tables}) {
          EndChild(pid);
        }
      }),
      0)
      << trace().Stopped();
  // Which of its own pages a player wrote differs; the sanitizer's allocator
  // takes half a MiB at a time.
  const std::int64_t other = (kSanitized ? 256 : 64) * 4096;
  EXPECT_NEAR(Value("anonymous") - Value("nothing"), (4_MiB).count, other);
  EXPECT_NEAR(Value("not_anonymous"), Value("nothing"), other);
  EXPECT_NEAR(Value("pages"), 4_MiB / kPage, 2 * other / kPage.count);
  EXPECT_EQ(Value("shared"), (4_MiB).count);
  if (!kSanitized) {
    EXPECT_NEAR(Value("table_pages"), Value("table_rss") + 4_MiB / kPage, 128);
    EXPECT_NEAR(Value("tables"), (4_MiB).count, 8 * 4096);
  }
  EXPECT_EQ(Value("state"), 'S');
  EXPECT_EQ(Value("adj"), 123);
  EXPECT_EQ(Value("new_adj"), 7);
}

TEST_F(ContestTest, WhoIsBusyIsAwaitedUntilItSleeps) {
  EXPECT_EQ(InBox([&] {
              const pid_t busy = StartChild(trace(), [] {
                const Stopwatch watch;
                while (watch.Milliseconds() < 100) {
                }
                WaitForever();
              });
              AwaitSleep(trace(), busy);
              trace().Set("state", ProcessState(busy));
              EndChild(busy);
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("state"), 'S');
}

TEST_F(ContestTest, BallastFillsTheBoxAndGivesWay) {
  EXPECT_EQ(InBox([&] {
              Ballast ballast(trace());
              const Bytes before = Charge();
              ballast.Grow(8_MiB);
              trace().Set("size", ballast.size());
              trace().Set("grown", Charge() - before);
              ballast.Shrink(6_MiB);
              trace().Set("shrunk", ballast.size());
              trace().Set("left", Charge() - before);
              ballast.Shrink(6_MiB);
              trace().Set("empty", ballast.size());
              cpu_set_t cpus;
              sched_getaffinity(0, sizeof cpus, &cpus);
              trace().Set("cpus", CPU_COUNT(&cpus));
            }),
            0)
      << trace().Stopped();
  constexpr std::int64_t kStock = 1 << 20;
  EXPECT_EQ(Value("size"), (8_MiB).count);
  EXPECT_NEAR(Value("grown"), (8_MiB).count, kStock);
  EXPECT_EQ(Value("shrunk"), (2_MiB).count);
  EXPECT_NEAR(Value("left"), (2_MiB).count, kStock);
  EXPECT_EQ(Value("empty"), 0);
  EXPECT_EQ(Value("cpus"), 1);
}

TEST_F(ContestTest, AFullBoxKillsItsPlayerWhichTheLogNames) {
  EXPECT_EQ(InBox([&] {
              Gate ready(trace());
              Ballast ballast(trace());
              const std::int64_t before = Kills(facts());
              const pid_t player = StartPlayer(
                  trace(), ready, 0, [&] { HoldAnonymous(trace(), 8_MiB); });
              KillLog log(trace());
              ballast.GrowUntilKill(facts());
              trace().Set("named", log.First() == player);
              trace().Set("died", NextVictim(trace()) == player);
              trace().Set("kills", Kills(facts()) - before);
              trace().Set("ballast", ballast.size());
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("named"), 1);
  EXPECT_EQ(Value("died"), 1);
  EXPECT_EQ(Value("kills"), 1);
  EXPECT_GT(Value("ballast"), (48_MiB).count);
}

TEST_F(ContestTest, APlayerThatEndsByItselfEndsTheSubject) {
  EXPECT_NE(InBox([&] {
              StartChild(trace(), [] {});
              NextVictim(trace());
            }),
            0);
  EXPECT_EQ(trace().Stopped(), "a player ended by itself");
}

TEST(Points, FollowTheKernelThatCountsThem) {
  EXPECT_EQ(PagesPerAdj(1000 * kPage), 1);
  EXPECT_EQ(PagesPerAdj(64_MiB), 16);
  const auto error = [](int cpus, KernelVersion kernel) {
    Facts facts;
    facts.cpus = cpus;
    facts.kernel = kernel;
    return RssError(facts);
  };
  EXPECT_EQ(error(2, {6, 1}), 0);
  EXPECT_EQ(error(2, {6, 2}), 3 * 31 * 2);
  EXPECT_EQ(error(20, {6, 18}), 3 * 39 * 20);
  EXPECT_EQ(error(2, {7, 0}), 0);
}

}  // namespace
}  // namespace oomgate::oom
