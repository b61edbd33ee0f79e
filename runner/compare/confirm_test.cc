// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/confirm.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

auto Metric(const std::string& instance, Judgement judgement) {
  MetricChange change;
  change.slot = {instance, "vm-256m-1cpu"};
  change.metric.name = "ns";
  change.judgement = judgement;
  change.reason = "p 0.001";
  return change;
}

auto Of(std::vector<MetricChange> metrics) {
  Comparison comparison;
  comparison.metrics = std::move(metrics);
  return comparison;
}

TEST(Confirm, FlaggedIsWhatHasAFinding) {
  Comparison comparison =
      Of({Metric("a", Judgement::kRegressed), Metric("a", Judgement::kImproved),
          Metric("b", Judgement::kEquivalent),
          Metric("c", Judgement::kInconclusive)});
  comparison.verdicts = {VerdictChange{}};
  comparison.verdicts[0].slot.instance = "d";
  comparison.verdicts[0].judgement = Judgement::kChanged;
  EXPECT_THAT(Flagged(comparison), ElementsAre("a", "d"));
}

TEST(Confirm, OnlyWhatShowsAgainStays) {
  Comparison first = Of(
      {Metric("a", Judgement::kRegressed), Metric("b", Judgement::kRegressed),
       Metric("c", Judgement::kRegressed), Metric("d", Judgement::kEquivalent),
       Metric("e", Judgement::kRegressed)});
  Confirm(first, Of({Metric("a", Judgement::kRegressed),
                     Metric("b", Judgement::kImproved),
                     Metric("e", Judgement::kEquivalent)}));
  ASSERT_EQ(first.metrics.size(), 5U);
  EXPECT_EQ(first.metrics[0].slot.instance, "a");
  EXPECT_EQ(first.metrics[0].judgement, Judgement::kRegressed);
  EXPECT_THAT(first.metrics[0].reason, HasSubstr("confirmed by fresh"));
  EXPECT_EQ(first.metrics[1].judgement, Judgement::kInconclusive);
  EXPECT_THAT(first.metrics[1].reason,
              HasSubstr("not confirmed by fresh samples: IMPROVED"));
  EXPECT_EQ(first.metrics[2].judgement, Judgement::kInconclusive);
  EXPECT_EQ(first.metrics[3].judgement, Judgement::kEquivalent);
  EXPECT_EQ(first.metrics[4].judgement, Judgement::kEquivalent);
  EXPECT_EQ(first.Count(Judgement::kRegressed), 1);
}

}  // namespace
}  // namespace oomgate
