// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/baseline.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "runner/compare/load.h"
#include "runner/compare/sides.h"
#include "runner/compare/test_runs.h"
#include "runner/error.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

// Two shapes, a count and a time.
auto TwoShapes() {
  oomgate::Run run = TestRun("6.1.0-1-amd64");
  run.starts.push_back(run.starts[0]);
  run.starts[1].shape = "vm-512m-1cpu-instructions";
  run.metrics["a/case"] = {{.name = "count"},
                           {.name = "ns", .kind = Kind::kTime}};
  AddResult(run, "b/case");
  AddResult(run, "a/case", {{"count", 3}, {"ns", 7}});
  AddResult(run, "a/case", {{"count", 4}, {"ns", 8}}).shape =
      run.starts[1].shape;
  return run;
}

TEST(Baseline, OnePerShapeWithResultsInOrder) {
  const std::vector<Baseline> baselines = BaselinesOf(TwoShapes());
  ASSERT_THAT(baselines, SizeIs(2));
  EXPECT_EQ(FileOf(baselines[0]), "vm-256m-1cpu/6.1.json");
  EXPECT_EQ(FileOf(baselines[1]), "vm-512m-1cpu-instructions/6.1.json");
  const auto& results = baselines[0].run.results;
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_EQ(results[0].id, "a/case");
  EXPECT_EQ(results[1].id, "b/case");
  EXPECT_THAT(baselines[0].run.metrics, ElementsAre(Key("a/case")));
}

TEST(Baseline, ATimeIsNoise) {
  for (const Baseline& baseline : BaselinesOf(TwoShapes())) {
    EXPECT_THAT(baseline.run.results[0].metrics, ElementsAre(Key("count")));
  }
}

TEST(Baseline, TwoRunsOfTheSameGiveTheSameBytes) {
  const oomgate::Run one = TwoShapes();
  oomgate::Run two = one;
  two.started = two.finished = "2027-01-01T00:00:00Z";
  two.command = "oomgate run --jobs=2";
  std::swap(two.starts[0], two.starts[1]);
  std::swap(two.results[0], two.results[2]);
  for (Start& start : two.starts) start.boot_seconds = 9;
  for (Result& result : two.results) {
    result.seconds = 7;
    result.values = {{"noise", 1}};
    result.oom = OomReport{};
  }
  two.results[1].metrics["ns"] = 99;
  const auto a = BaselinesOf(one);
  const auto b = BaselinesOf(two);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(ToJsonText(a[i]), ToJsonText(b[i]));
  }
  two.results[1].metrics["count"] = 99;
  EXPECT_NE(ToJsonText(a[0]), ToJsonText(BaselinesOf(two)[0]));
}

TEST(Baseline, OneMetricPerLine) {
  oomgate::Run run = TwoShapes();
  run.results[2].metrics["size"] = 8;
  EXPECT_THAT(ToJsonText(BaselinesOf(run)[1]),
              HasSubstr("        \"count\": 4,\n        \"size\": 8\n"));
}

TEST(Baseline, WhatFailedIsNotBlessed) {
  oomgate::Run run = TwoShapes();
  EXPECT_EQ(Unfit(run), "");
  run.results[0].verdict = Verdict::kFail;
  run.results[1].verdict = Verdict::kLost;
  EXPECT_THAT(Unfit(run), HasSubstr("1 fail (b/case), 1 lost (a/case)"));
  EXPECT_THAT(BaselinesOf(run), SizeIs(1));
  run = TwoShapes();
  run.shard = Shard{};
  EXPECT_THAT(Unfit(run), HasSubstr("shard"));
  run = TwoShapes();
  run.interrupted = true;
  EXPECT_THAT(Unfit(run), HasSubstr("not whole"));
  run.interrupted = false;
  run.finished.clear();
  EXPECT_THAT(Unfit(run), HasSubstr("not whole"));
}

TEST(Baseline, WhatDidNotRunAsItIsMeantIsNeverBlessed) {
  oomgate::Run run = TwoShapes();
  EXPECT_EQ(NeverFit(run), "");
  run.invert = true;
  EXPECT_THAT(NeverFit(run), HasSubstr("--invert"));
  run.invert = false;
  run.without = "lock twice";
  EXPECT_THAT(NeverFit(run), HasSubstr("--without=lock twice"));
  EXPECT_EQ(Unfit(run), NeverFit(run));
}

TEST(Baseline, KeepsTheNamesOfStepsThatWereLeftOut) {
  oomgate::Run run = TwoShapes();
  run.results[0].left_out = {{"lock on fault", "needs 7 pages, has 3"}};
  EXPECT_THAT(BaselinesOf(run)[0].run.results.at(1).left_out,
              ElementsAre(LeftOut{"lock on fault", ""}));
}

struct BaselineFiles : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("bless." + std::to_string(::getpid()));
  ~BaselineFiles() override { fs::remove_all(root); }
  void Write(const Baseline& baseline) {
    const fs::path file = root / FileOf(baseline);
    fs::create_directories(file.parent_path());
    std::ofstream(file) << ToJsonText(baseline);
  }
};

TEST_F(BaselineFiles, AreReadAsTheyWereWritten) {
  const Baseline baseline = BaselinesOf(TwoShapes())[0];
  Write(baseline);
  const Baseline read = LoadBaseline(root / FileOf(baseline));
  EXPECT_EQ(read.run, baseline.run);
  EXPECT_EQ(ToJsonText(read), ToJsonText(baseline));
  EXPECT_TRUE(IsBaseline(read.run));
  EXPECT_FALSE(IsBaseline(TwoShapes()));
}

TEST_F(BaselineFiles, OfAFolderThoseThatFitAreTaken) {
  oomgate::Run newer = TwoShapes();
  for (Start& start : newer.starts) start.kernel = "6.12.1-amd64";
  for (const auto& run : {TwoShapes(), newer}) {
    for (const Baseline& baseline : BaselinesOf(run)) Write(baseline);
  }
  oomgate::Run candidate = TwoShapes();
  candidate.starts[0].kernel = candidate.starts[1].kernel = "6.1.0-9-amd64";
  const Side base = LoadBase(root.string(), RanIn(candidate));
  EXPECT_EQ(base.runs, 2);
  EXPECT_THAT(base.mixed, IsEmpty());
  // A file is taken as it is.
  const fs::path other = root / "vm-256m-1cpu/6.12.json";
  EXPECT_EQ(LoadBase(other.string(), RanIn(candidate)).runs, 1);
  candidate.starts[0].kernel = candidate.starts[1].kernel = "7.3.1";
  try {
    LoadBase(root.string(), RanIn(candidate));
    FAIL() << "found a baseline of 7.3";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("vm-256m-1cpu/7.3.json"));
    EXPECT_THAT(error.what(), HasSubstr("vm-256m-1cpu/6.12.json"));
  }
}

TEST_F(BaselineFiles, WhatIsNoBaselineIsRefused) {
  Baseline baseline = BaselinesOf(TwoShapes())[0];
  baseline.run.results[0].shape = "host";
  Write(baseline);
  EXPECT_THROW(LoadBaseline(root / FileOf(baseline)), UserError);
  baseline.run = TwoShapes();
  Write(baseline);
  EXPECT_THROW(LoadBaseline(root / FileOf(baseline)), UserError);
}

}  // namespace
}  // namespace oomgate
