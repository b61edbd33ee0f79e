// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/ab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "runner/compare/test_runs.h"

namespace oomgate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Remembers what it was asked to run, in a kernel's name.
struct Runner {
  std::vector<std::string> kernels = {};
  std::size_t interrupt_at = 1000;

  RunOne Function() {
    return [this](const RunOptions& options, const std::string&) {
      kernels.push_back(options.kernel);
      oomgate::Run run;
      run.command = options.kernel;
      run.interrupted = kernels.size() == interrupt_at;
      return run;
    };
  }
};

TEST(PairOrder, IsBalancedDrawnByLotAndRepeatable) {
  EXPECT_EQ(PairOrder(10, 1), PairOrder(10, 1));
  EXPECT_NE(PairOrder(10, 1), PairOrder(10, 2));
  int first = 0;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const std::vector<bool> order = PairOrder(10, seed);
    EXPECT_EQ(std::ranges::count(order, true), 5);
    first += order[0];
  }
  EXPECT_NEAR(first, 100, 30);
  EXPECT_THAT(PairOrder(0, 1), IsEmpty());
}

TEST(RunPairs, BothSidesOfAPairAreNeighbours) {
  Runner runner;
  const AbPairs pairs = RunPairs({.kernel = "a"}, {.kernel = "b"},
                                 {.pairs = 8, .seed = 3}, runner.Function());
  ASSERT_THAT(runner.kernels, SizeIs(16));
  for (std::size_t i = 0; i < 16; i += 2) {
    EXPECT_NE(runner.kernels[i], runner.kernels[i + 1]);
  }
  ASSERT_THAT(pairs.a, SizeIs(8));
  ASSERT_THAT(pairs.b, SizeIs(8));
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(pairs.a[i].command, "a");
    EXPECT_EQ(pairs.b[i].command, "b");
  }
}

TEST(RunPairs, AnInterruptedPairIsLeftOut) {
  Runner runner;
  runner.interrupt_at = 6;
  const AbPairs pairs = RunPairs({.kernel = "a"}, {.kernel = "b"},
                                 {.pairs = 8, .seed = 3}, runner.Function());
  EXPECT_TRUE(pairs.interrupted);
  EXPECT_THAT(runner.kernels, SizeIs(6));
  EXPECT_THAT(pairs.a, SizeIs(2));
  EXPECT_THAT(pairs.b, SizeIs(2));
}

TEST(RunPairs, TimesOfARealCpuAreTheBestOfSomeRuns) {
  int runs = 0;
  const RunOne run_one = [&](const RunOptions& options, const std::string&) {
    oomgate::Run run = TestRun(options.kernel);
    run.starts[0].accelerator = "kvm";
    run.metrics["x/y"] = {
        {.name = "ns", .better = Better::kLower, .kind = Kind::kTime}};
    AddResult(run, "x/y", {{"ns", 100.0 - runs}});
    ++runs;
    return run;
  };
  const AbPairs pairs = RunPairs({.kernel = "a"}, {.kernel = "b"},
                                 {.pairs = 2, .best_of = 3}, run_one);
  EXPECT_EQ(runs, 12);
  ASSERT_THAT(pairs.a, SizeIs(2));
  ASSERT_THAT(pairs.b, SizeIs(2));
  // They took turns: of 100 to 95 the last two are one of each.
  EXPECT_EQ(pairs.a[0].results[0].metrics.at("ns") +
                pairs.b[0].results[0].metrics.at("ns"),
            95 + 96);
  EXPECT_EQ(pairs.a[0].starts[0].kernel, "a");
  EXPECT_EQ(pairs.b[1].starts[0].kernel, "b");
}

TEST(ConfirmPairs, RunsOnlyWhatWasFlagged) {
  std::vector<RunOptions> seen;
  const RunOne run_one = [&](const RunOptions& options, const std::string&) {
    seen.push_back(options);
    return oomgate::Run{};
  };
  EXPECT_THAT(ConfirmPairs({}, {}, {}, {.pairs = 5}, run_one).a, IsEmpty());
  EXPECT_THAT(seen, IsEmpty());
  ConfirmPairs({.patterns = {"x/*"}}, {.patterns = {"x/*"}}, {"x/y[k=v]"},
               {.pairs = 5}, run_one);
  ASSERT_THAT(seen, SizeIs(10));
  for (const RunOptions& options : seen) {
    EXPECT_THAT(options.patterns, ElementsAre("x/y[k=v]"));
    EXPECT_EQ(options.suite, Suite::kNightly);
  }
}

}  // namespace
}  // namespace oomgate
