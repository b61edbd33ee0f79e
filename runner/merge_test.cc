// SPDX-License-Identifier: Apache-2.0
#include "runner/merge.h"

#include <gmock/gmock.h>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Result ResultOf(const std::string& id, const std::string& shape = "host") {
  Result result;
  result.id = id;
  result.verdict = Verdict::kPass;
  result.shape = shape;
  return result;
}

// Instances a, b, c, d in two shards; b ran in two places.
NamedRun ShardRun(int index) {
  Run run;
  run.oomgate = "1";
  run.started = index == 1 ? "2026-01-31T12:00:05Z" : "2026-01-31T12:00:00Z";
  run.finished = index == 1 ? "2026-01-31T12:00:09Z" : "2026-01-31T12:00:07Z";
  Start start;
  start.place = start.shape = "host";
  start.kernel = "6.1";
  run.starts.push_back(start);
  if (index == 1) {
    run.shard = Shard{1, 2, "plan", {0, 3}};
    run.results = {ResultOf("x/a"), ResultOf("x/d")};
    run.metrics["x/a"] = {};
  } else {
    run.shard = Shard{2, 2, "plan", {1, 2}};
    run.results = {ResultOf("x/b"), ResultOf("x/b", "cgroup2"),
                   ResultOf("x/c")};
    run.metrics["x/b"] = {};
  }
  return {"shard" + std::to_string(index), run};
}

std::string WhyNot(const std::vector<NamedRun>& shards) {
  try {
    Merge(shards);
    return "merged";
  } catch (const HarnessError& error) {
    return error.what();
  }
}

TEST(Merge, PutsResultsInTheOrderOfThePlan) {
  for (const bool turned : {false, true}) {
    const Merged merged = turned ? Merge({ShardRun(2), ShardRun(1)})
                                 : Merge({ShardRun(1), ShardRun(2)});
    EXPECT_THAT(merged.run.results,
                ElementsAre(ResultOf("x/a"), ResultOf("x/b"),
                            ResultOf("x/b", "cgroup2"), ResultOf("x/c"),
                            ResultOf("x/d")));
    EXPECT_EQ(merged.run.started, "2026-01-31T12:00:00Z");
    EXPECT_EQ(merged.run.finished, "2026-01-31T12:00:09Z");
    EXPECT_EQ(merged.run.starts.size(), 1U);
    EXPECT_EQ(merged.run.metrics.size(), 2U);
    EXPECT_FALSE(merged.run.shard);
    EXPECT_THAT(merged.passed_over, ElementsAre());
  }
}

TEST(Merge, ShardsOfAnOlderSchemaFit) {
  NamedRun old = ShardRun(1);
  old.run.schema = 1;
  NamedRun now = ShardRun(2);
  now.run.results[0].left_out = {{"lock", "needs 4.4"}};
  now.run.invert = old.run.invert = true;
  now.run.without = old.run.without = "lock";
  const oomgate::Run run = Merge({old, now}).run;
  EXPECT_EQ(run.schema, kSchema);
  EXPECT_EQ(run.results.at(1).left_out.size(), 1U);
  EXPECT_TRUE(run.invert);
  EXPECT_EQ(run.without, "lock");
}

TEST(Merge, NamesEveryShardThatIsMissing) {
  EXPECT_THAT(WhyNot({ShardRun(1)}), HasSubstr("shard 2/2 is missing"));
  NamedRun of_four = ShardRun(2);
  of_four.run.shard->count = 4;
  EXPECT_THAT(WhyNot({of_four}), AllOf(HasSubstr("shard 1/4 is missing"),
                                       HasSubstr("shard 3/4 is missing"),
                                       HasSubstr("shard 4/4 is missing")));
}

TEST(Merge, NamesShardsThatAreThereTwice) {
  EXPECT_THAT(WhyNot({ShardRun(1), ShardRun(2), ShardRun(2)}),
              HasSubstr("shard 2/2 is there more than once: shard2, shard2"));
}

TEST(Merge, WhatDidNotComeToItsEndIsNoShard) {
  NamedRun killed = ShardRun(2);
  killed.name = "killed";
  killed.run.finished = "";
  EXPECT_THAT(WhyNot({ShardRun(1), killed}),
              HasSubstr("shard 2/2 did not come to its end: killed"));
  // Run again, and whole now.
  EXPECT_THAT(Merge({ShardRun(1), killed, ShardRun(2)}).passed_over,
              ElementsAre("killed"));

  NamedRun interrupted = ShardRun(2);
  interrupted.run.interrupted = true;
  EXPECT_THAT(WhyNot({ShardRun(1), interrupted}), HasSubstr("shard 2/2"));
  NamedRun fewer = ShardRun(2);
  fewer.run.results.pop_back();
  EXPECT_THAT(WhyNot({ShardRun(1), fewer}), HasSubstr("shard 2/2"));
  NamedRun more = ShardRun(2);
  more.run.results.push_back(ResultOf("x/e"));
  EXPECT_THAT(WhyNot({ShardRun(1), more}), HasSubstr("shard 2/2"));
}

TEST(Merge, RefusesWhatIsNotOneRun) {
  NamedRun other = ShardRun(2);
  other.run.shard->plan = "another";
  EXPECT_THAT(WhyNot({ShardRun(1), other}),
              HasSubstr("shards of different runs"));
  NamedRun whole = ShardRun(2);
  whole.run.shard.reset();
  EXPECT_THAT(WhyNot({ShardRun(1), whole}), HasSubstr("shard2 is no shard"));
  NamedRun kernel = ShardRun(2);
  kernel.run.starts[0].kernel = "6.12";
  EXPECT_THAT(
      WhyNot({ShardRun(1), kernel}),
      AllOf(HasSubstr("different kernels on host: 6.1"), HasSubstr("6.12")));
  NamedRun edited = ShardRun(2);
  edited.run.shard->positions = {1, 3};
  EXPECT_THAT(WhyNot({ShardRun(1), edited}), HasSubstr("instance 3"));
  edited.run.shard = Shard{3, 2, "plan", {1, 2}};
  EXPECT_THAT(WhyNot({ShardRun(1), edited}), HasSubstr("shard 3/2"));
  EXPECT_THAT(WhyNot({}), HasSubstr("no shards"));
}

TEST(Merge, AnEmptyShardIsOne) {
  NamedRun empty = ShardRun(1);
  empty.run.shard = Shard{3, 3, "plan", {}};
  empty.run.results.clear();
  NamedRun one = ShardRun(1);
  NamedRun two = ShardRun(2);
  one.run.shard->count = two.run.shard->count = 3;
  EXPECT_EQ(Merge({one, two, empty}).run.results.size(), 5U);
}

}  // namespace
}  // namespace oomgate
