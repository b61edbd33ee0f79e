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
              // Who died is started anew. Score outweighs size: 500 of 1000
              // are half of the box.
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

}  // namespace
}  // namespace oomgate::oom
