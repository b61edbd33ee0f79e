// SPDX-License-Identifier: Apache-2.0
#include "runner/shard.h"

#include <gmock/gmock.h>

#include <map>

#include "runner/error.h"

namespace oomgate {
namespace {

using testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

ShardNumber Which(const std::string& text, const Environment& environment = {},
                  std::optional<int> count = {}) {
  return WhichShard(text, count,
                    [&](const std::string& name) -> std::optional<std::string> {
                      const auto it = environment.find(name);
                      if (it == environment.end()) return std::nullopt;
                      return it->second;
                    });
}

std::string WhyNot(const std::string& text, const Environment& environment = {},
                   std::optional<int> count = {}) {
  try {
    return "is " + ToText(Which(text, environment, count));
  } catch (const UserError& error) {
    return error.what();
  }
}

TEST(WhichShard, AsTold) {
  EXPECT_EQ(Which("1/1"), (ShardNumber{1, 1}));
  EXPECT_EQ(Which("4/4", {}, 4), (ShardNumber{4, 4}));
  // What is told needs no engine, and no engine's leave.
  EXPECT_EQ(Which("2/3", {{"CI_NODE_INDEX", "1"}, {"CI_NODE_TOTAL", "9"}}),
            (ShardNumber{2, 3}));
}

TEST(WhichShard, WhatIsNoShard) {
  for (const char* text : {"", "2", "/", "2/", "/4", "2/4/", "a/b", "2 /4",
                           "+2/4", "99999999999/4"}) {
    EXPECT_THAT(WhyNot(text), HasSubstr("write 2/4, or auto")) << text;
  }
  for (const char* text : {"0/4", "5/4", "-1/4", "1/0", "1/10001"}) {
    EXPECT_THAT(WhyNot(text), HasSubstr("they count from 1")) << text;
  }
  EXPECT_THAT(WhyNot("2/4", {}, 5), HasSubstr("--shards=5: --shard=2/4"));
}

TEST(WhichShard, EachEngineCountsInItsOwnWay) {
  EXPECT_EQ(
      Which("auto", {{"GTEST_SHARD_INDEX", "0"}, {"GTEST_TOTAL_SHARDS", "3"}}),
      (ShardNumber{1, 3}));
  EXPECT_EQ(
      Which("auto", {{"TEST_SHARD_INDEX", "2"}, {"TEST_TOTAL_SHARDS", "3"}}),
      (ShardNumber{3, 3}));
  EXPECT_EQ(Which("auto", {{"JOB_COMPLETION_INDEX", "1"}}, 3),
            (ShardNumber{2, 3}));
  EXPECT_EQ(Which("auto", {{"CI_NODE_INDEX", "2"}, {"CI_NODE_TOTAL", "3"}}),
            (ShardNumber{2, 3}));
  for (const int first : {0, 1, 10}) {
    EXPECT_EQ(
        Which("auto", {{"SLURM_ARRAY_TASK_ID", std::to_string(first + 1)},
                       {"SLURM_ARRAY_TASK_MIN", std::to_string(first)},
                       {"SLURM_ARRAY_TASK_MAX", std::to_string(first + 2)},
                       {"SLURM_ARRAY_TASK_COUNT", "3"}}),
        (ShardNumber{2, 3}));
  }
}

TEST(WhichShard, SaysWhatIsMissing) {
  EXPECT_THAT(WhyNot("auto"), HasSubstr("no engine says which"));
  EXPECT_THAT(WhyNot("auto", {{"GTEST_SHARD_INDEX", "0"}}),
              HasSubstr("GTEST_TOTAL_SHARDS is not set"));
  EXPECT_THAT(WhyNot("auto", {{"TEST_TOTAL_SHARDS", "4"}}),
              HasSubstr("TEST_SHARD_INDEX is not set"));
  EXPECT_THAT(WhyNot("auto", {{"JOB_COMPLETION_INDEX", "0"}}),
              HasSubstr("add --shards=N"));
  EXPECT_THAT(WhyNot("auto", {{"CI_NODE_TOTAL", "4"}}),
              HasSubstr("CI_NODE_INDEX is not set"));
  EXPECT_THAT(WhyNot("auto", {{"SLURM_ARRAY_TASK_ID", "0"},
                              {"SLURM_ARRAY_TASK_COUNT", "4"}}),
              HasSubstr("SLURM_ARRAY_TASK_MIN is not set"));
}

TEST(WhichShard, SaysWhatContradicts) {
  EXPECT_THAT(
      WhyNot("auto", {{"GTEST_SHARD_INDEX", "0"}, {"GTEST_TOTAL_SHARDS", "x"}}),
      HasSubstr("GTEST_TOTAL_SHARDS=x is not a number"));
  EXPECT_THAT(WhyNot("auto", {{"GTEST_SHARD_INDEX", "2147483647"},
                              {"GTEST_TOTAL_SHARDS", "2"}}),
              HasSubstr("GTEST_SHARD_INDEX=2147483647 is not a number"));
  EXPECT_THAT(
      WhyNot("auto", {{"TEST_SHARD_INDEX", "3"}, {"TEST_TOTAL_SHARDS", "3"}}),
      HasSubstr("Bazel: no shard 4 of 3"));
  EXPECT_THAT(WhyNot("auto", {{"CI_NODE_INDEX", "0"}, {"CI_NODE_TOTAL", "3"}}),
              HasSubstr("GitLab: no shard 0 of 3"));
  EXPECT_THAT(
      WhyNot("auto", {{"CI_NODE_INDEX", "1"}, {"CI_NODE_TOTAL", "3"}}, 4),
      HasSubstr("--shards=4: --shard=auto says 1/3"));
  // One task of an array, run again by itself, would be all of it.
  EXPECT_THAT(WhyNot("auto",
                     {{"SLURM_ARRAY_TASK_ID", "3"},
                      {"SLURM_ARRAY_TASK_MIN", "3"},
                      {"SLURM_ARRAY_TASK_MAX", "3"},
                      {"SLURM_ARRAY_TASK_COUNT", "1"}},
                     4),
              HasSubstr("says 1/1"));
  EXPECT_THAT(WhyNot("auto", {{"SLURM_ARRAY_TASK_ID", "5"},
                              {"SLURM_ARRAY_TASK_MIN", "1"},
                              {"SLURM_ARRAY_TASK_MAX", "7"},
                              {"SLURM_ARRAY_TASK_COUNT", "4"}}),
              HasSubstr("with gaps"));
}

TEST(WhichShard, EnginesInsideEachOtherMustAgree) {
  const Environment both = {
      {"SLURM_ARRAY_TASK_ID", "1"},  {"SLURM_ARRAY_TASK_MIN", "0"},
      {"SLURM_ARRAY_TASK_MAX", "2"}, {"SLURM_ARRAY_TASK_COUNT", "3"},
      {"CI_NODE_INDEX", "2"},        {"CI_NODE_TOTAL", "3"}};
  EXPECT_EQ(Which("auto", both), (ShardNumber{2, 3}));
  Environment other = both;
  other["CI_NODE_INDEX"] = "3";
  EXPECT_THAT(WhyNot("auto", other),
              HasSubstr("Slurm says 2/3, GitLab says 3/3"));
  // A job of GitLab's that is not parallel may start an array.
  other.erase("CI_NODE_INDEX");
  other["CI_NODE_TOTAL"] = "1";
  EXPECT_EQ(Which("auto", other), (ShardNumber{2, 3}));
}

}  // namespace
}  // namespace oomgate
