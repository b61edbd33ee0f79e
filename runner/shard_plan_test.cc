// SPDX-License-Identifier: Apache-2.0
#include "runner/shard_plan.h"

#include <gmock/gmock.h>

#include <set>

namespace oomgate {
namespace {

using testing::ElementsAre;

// As many cases as numbers, each with that many instances.
std::vector<CaseInfo> Cases(const std::vector<int>& instances) {
  std::vector<CaseInfo> cases;
  for (const int count : instances) {
    CaseInfo info;
    info.id = "a/case" + std::to_string(cases.size());
    for (int i = 0; i < count; ++i) {
      InstanceInfo instance;
      instance.params = Params(Params::Map{{"n", std::to_string(i)}});
      info.instances.push_back(instance);
    }
    cases.push_back(info);
  }
  return cases;
}

Run Took(const std::vector<CaseInfo>& cases,
         const std::vector<double>& seconds) {
  Run run;
  std::size_t i = 0;
  for (const CaseInfo& info : cases) {
    for (const InstanceInfo& instance : info.instances) {
      Result result;
      result.id = info.id;
      result.params = instance.params;
      result.seconds = seconds.at(i++);
      run.results.push_back(result);
      if (i == seconds.size()) return run;
    }
  }
  return run;
}

std::vector<int> ShardsOf(const ShardPlan& plan) {
  std::vector<int> shards;
  for (const ShardPlan::Share& share : plan.shares) {
    shards.push_back(share.shard);
  }
  return shards;
}

TEST(PlanShards, DealsOutEvenlyWhatIsNotKnown) {
  EXPECT_THAT(ShardsOf(PlanShards(Cases({3, 1, 3}), 3, {})),
              ElementsAre(1, 2, 3, 1, 2, 3, 1));
}

TEST(PlanShards, BalancesWhatIsKnown) {
  const auto cases = Cases({6});
  const ShardPlan plan =
      PlanShards(cases, 2, {Took(cases, {10, 1, 1, 1, 4, 3})});
  std::vector<double> seconds(3);
  for (const ShardPlan::Share& share : plan.shares) {
    seconds[static_cast<std::size_t>(share.shard)] += share.seconds;
  }
  EXPECT_NEAR(seconds[1], seconds[2], 1.5);
  EXPECT_EQ(plan.shares[0].shard, 1);  // the longest is dealt out first
}

TEST(PlanShards, PlacesAddUpAndRunsAverage) {
  const auto cases = Cases({3});
  auto two_places = Took(cases, {4, 1});
  two_places.results.push_back(two_places.results[0]);
  const ShardPlan plan = PlanShards(cases, 2, {two_places, Took(cases, {2})});
  // (4.5 + 4.5 and 2.5) / 2; 1.5; the median of those.
  EXPECT_DOUBLE_EQ(plan.shares[0].seconds, 5.75);
  EXPECT_DOUBLE_EQ(plan.shares[1].seconds, 1.5);
  EXPECT_DOUBLE_EQ(plan.shares[2].seconds, 5.75);
}

TEST(CasesOf, AllShardsTogetherAreAllOnce) {
  const auto cases = Cases({1, 5, 2, 9});
  for (const int count : {1, 2, 5, 40}) {
    const ShardPlan plan = PlanShards(cases, count, {});
    std::multiset<std::string> names;
    for (int index = 1; index <= count; ++index) {
      std::size_t own = 0;
      for (const CaseInfo& info : CasesOf(plan, cases, index)) {
        EXPECT_FALSE(info.instances.empty());
        for (const InstanceInfo& instance : info.instances) {
          names.insert(ToText(InstanceName{info.id, instance.params}));
          ++own;
        }
      }
      EXPECT_EQ(ShardOf(plan, index, {}).positions.size(), own);
    }
    EXPECT_EQ(names.size(), 17U);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 17U);
  }
}

TEST(ShardOf, TellsRunsApart) {
  const auto cases = Cases({4, 4});
  const ShardPlan plan = PlanShards(cases, 2, {});
  const Shard one = ShardOf(plan, 1, {"--on=host"});
  EXPECT_THAT(one.positions, ElementsAre(0, 2, 4, 6));
  EXPECT_EQ(one.plan, ShardOf(plan, 2, {"--on=host"}).plan);
  EXPECT_NE(one.plan, ShardOf(plan, 1, {"--on=vm"}).plan);
  EXPECT_NE(one.plan,
            ShardOf(PlanShards(Cases({4, 5}), 2, {}), 1, {"--on=host"}).plan);
  EXPECT_NE(one.plan, ShardOf(PlanShards(cases, 3, {}), 1, {"--on=host"}).plan);
  // Other durations deal out differently.
  EXPECT_NE(one.plan, ShardOf(PlanShards(cases, 2, {Took(cases, {9, 1, 1, 1})}),
                              1, {"--on=host"})
                          .plan);
}

}  // namespace
}  // namespace oomgate
