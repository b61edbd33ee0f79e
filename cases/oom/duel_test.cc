// SPDX-License-Identifier: Apache-2.0
// Duels in a memory cgroup of this machine.
#include "cases/oom/duel.h"

#include "cases/oom/in_contest_test.h"

namespace oomgate::oom {
namespace {

// Before the subject, which may not lower its own score everywhere.
constexpr int kFirst = 500;

TEST_F(ContestTest, ADuelIsLostByWhoHasMorePoints) {
  EXPECT_EQ(InBox([&] {
              Duel duel(trace(), facts(), PagesPerAdj(facts().box),
                        {HoldAnonymous, 4_MiB, kFirst},
                        {HoldAnonymous, 12_MiB, kFirst});
              trace().Set("larger", duel.SecondDies());
              // The dead player is started anew. Score outweighs size: 500
              // of 1000 are half of the box.
              duel.first().adj = kFirst + 500;
              trace().Set("smaller", duel.SecondDies());
              duel.Report(facts());
            }),
            0)
      << trace().Stopped();
  EXPECT_EQ(Value("larger"), 1);
  EXPECT_EQ(Value("smaller"), 0);
  EXPECT_EQ(Value("rounds"), 2);
  EXPECT_EQ(Value("kills"), 2);
  // It led by 8 MiB and died; it lagged by 24 MiB and lived.
  const std::int64_t error = 256 + 2 * RssError(facts());
  EXPECT_NEAR(Value("lead_won"), 8_MiB / kPage, error);
  EXPECT_NEAR(Value("lead_lost"), 8_MiB / kPage - 500 * (64_MiB / kPage / 1000),
              error);
}

TEST_F(ContestTest, TheThresholdIsTheScoreThatMakesUpForTheLead) {
  const std::int64_t per_adj = PagesPerAdj(facts().box);
  EXPECT_EQ(InBox([&] {
              Duel duel(trace(), facts(), per_adj,
                        {HoldAnonymous, 6_MiB, kFirst},
                        {HoldAnonymous, 4_MiB, kFirst});
              trace().Set("threshold", duel.Threshold(100));
              duel.Report(facts());
            }),
            0)
      << trace().Stopped();
  EXPECT_NEAR(Value("threshold"), 2_MiB / kPage / per_adj,
              4 + 2 * RssError(facts()) / per_adj);
  EXPECT_EQ(Value("kills"), Value("rounds"));
}

// What fails of `oracle` where a duel set these.
std::vector<std::string> Failed(const Oracle& oracle, std::int64_t threshold,
                                std::int64_t lost, std::int64_t won) {
  Outcome outcome;
  outcome.values = {
      {"threshold", threshold}, {"lead_lost", lost}, {"lead_won", won}};
  std::vector<std::string> names;
  for (const FailedCheck& check : FailedChecks(oracle, {outcome})) {
    names.push_back(check.value);
  }
  return names;
}

TEST(Duels, AreDecidedWherePointsAreEqual) {
  using testing::ElementsAre;
  const Oracle points = DecidedByPoints(Facts{}, 3);
  EXPECT_THAT(Failed(points, 0, 0, 0), ElementsAre());
  EXPECT_THAT(Failed(points, 0, -3, 3), ElementsAre());
  EXPECT_THAT(Failed(points, 0, 1, 3), ElementsAre("lead_lost"));
  EXPECT_THAT(Failed(points, 0, -4, 3), ElementsAre("lead_lost"));
  EXPECT_THAT(Failed(points, 0, 0, -1), ElementsAre("lead_won"));
  EXPECT_THAT(Failed(points, 0, 0, 4), ElementsAre("lead_won"));
  // 256 pages are 85 steps of 3; four page tables are two steps.
  const Oracle score = DecidedByScore(Facts{}, 1_MiB, 3);
  EXPECT_THAT(Failed(score, 85, 0, 0), ElementsAre());
  EXPECT_THAT(Failed(score, 87, 0, 0), ElementsAre());
  EXPECT_THAT(Failed(score, 88, 0, 0), ElementsAre("threshold"));
  EXPECT_THAT(Failed(score, 82, 0, 0), ElementsAre("threshold"));
  EXPECT_THAT(Failed(score, 85, 1, 0), ElementsAre("lead_lost"));
}

}  // namespace
}  // namespace oomgate::oom
