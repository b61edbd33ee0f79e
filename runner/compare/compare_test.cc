// SPDX-License-Identifier: Apache-2.0
// Each judgement, and the same with the sides exchanged.
#include "runner/compare/compare.h"

#include <gmock/gmock.h>

#include "runner/compare/metric_change.h"
#include "runner/compare/test_runs.h"
#include "runner/error.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

auto SideOf(const std::vector<oomgate::Run>& runs) {
  Side side;
  for (const oomgate::Run& run : runs) side.Add(run);
  return side;
}

struct Judged {
  Judgement forth;
  Judgement back;  // with the sides exchanged
  bool operator==(const Judged&) const = default;
};

// Printed by gtest where they differ.
void PrintTo(const Judged& judged, std::ostream* out) {
  *out << ToText(judged.forth) << " / " << ToText(judged.back);
}

using Numbers = std::vector<double>;

auto SideWith(const Metric& metric, const Numbers& values,
              const std::string& clock = "") {
  Side side;
  for (const double value : values) {
    oomgate::Run run = TestRun();
    run.starts[0].shape += clock;
    run.metrics["a/case"] = {metric};
    AddResult(run, "a/case", {{metric.name, value}});
    side.Add(run);
  }
  return side;
}

auto Only(const Comparison& comparison) {
  EXPECT_THAT(comparison.metrics, SizeIs(1));
  return comparison.metrics.at(0);
}

auto JudgedOf(const Metric& metric, const Numbers& base,
              const Numbers& candidate, const std::string& clock = "") {
  const Side a = SideWith(metric, base, clock);
  const Side b = SideWith(metric, candidate, clock);
  return Judged{Only(Compare(a, b, {})).judgement,
                Only(Compare(b, a, {})).judgement};
}

constexpr auto kWorse = Judgement::kRegressed;
constexpr auto kOther = Judgement::kChanged;
constexpr auto kBetter = Judgement::kImproved;
constexpr auto kOpen = Judgement::kInconclusive;
constexpr auto kSame = Judgement::kEquivalent;

const Metric kCount{.name = "m"};
const Metric kCost{.name = "m", .better = Better::kLower};
const Metric kRoom{.name = "m", .better = Better::kHigher};

TEST(CompareExact, OneDifferingValueIsAFinding) {
  EXPECT_EQ(JudgedOf(kCount, {2048}, {2048}), (Judged{kSame, kSame}));
  EXPECT_EQ(JudgedOf(kCount, {2048}, {2049}), (Judged{kOther, kOther}));
  EXPECT_EQ(JudgedOf(kCost, {2048}, {2049}), (Judged{kWorse, kBetter}));
  EXPECT_EQ(JudgedOf(kRoom, {2048}, {2049}), (Judged{kBetter, kWorse}));
  EXPECT_EQ(JudgedOf(kCost, {0}, {1}), (Judged{kWorse, kBetter}));
}

TEST(CompareExact, OneOfManySamplesIsEnoughOfACandidate) {
  EXPECT_EQ(JudgedOf(kCost, {5, 5, 5}, {5, 6, 5}).forth, kWorse);
  EXPECT_EQ(JudgedOf(kCost, {5, 5, 5}, {4, 6, 5}).forth, kOther);
}

TEST(CompareExact, ABaseThatVariesProvesNothing) {
  EXPECT_EQ(JudgedOf(kCost, {5, 6}, {6, 6}).forth, kOpen);
  EXPECT_EQ(JudgedOf(kCost, {5, 6}, {5, 6}), (Judged{kOpen, kOpen}));
  EXPECT_EQ(JudgedOf(kCost, {5, 6}, {7, 8}), (Judged{kWorse, kBetter}));
}

TEST(CompareBounded, TheToleranceIsTheBorder) {
  const Metric metric{.name = "m",
                      .better = Better::kLower,
                      .kind = Kind::kBounded,
                      .tolerance = 64,
                      .cause = "batches"};
  EXPECT_EQ(JudgedOf(metric, {100}, {164}), (Judged{kSame, kSame}));
  EXPECT_EQ(JudgedOf(metric, {100}, {165}), (Judged{kWorse, kBetter}));
  EXPECT_EQ(JudgedOf(metric, {100, 101}, {101, 165}).forth, kWorse);
  EXPECT_EQ(JudgedOf(metric, {0, 100}, {100, 101}).forth, kOpen);
  EXPECT_THAT(
      Only(Compare(SideWith(metric, {100}), SideWith(metric, {165}), {}))
          .reason,
      "65 apart, more than 64 (batches)");
}

TEST(CompareInstructions, OnePairShowsOnePercent) {
  const Metric metric{
      .name = "m", .better = Better::kLower, .kind = Kind::kInstructions};
  EXPECT_EQ(JudgedOf(metric, {100000}, {101000}).forth, kWorse);
  EXPECT_EQ(JudgedOf(metric, {100000}, {98000}).forth, kBetter);
  EXPECT_EQ(JudgedOf(metric, {100000}, {100940}), (Judged{kSame, kSame}));
  // One percent of a base that came out a hair higher.
  EXPECT_EQ(JudgedOf(metric, {100000}, {100980}).forth, kWorse);
  EXPECT_EQ(JudgedOf(metric, {100000, 100001}, {102000}),
            (Judged{kWorse, kBetter}));
  EXPECT_EQ(JudgedOf(metric, {100000, 105000}, {102000}),
            (Judged{kOpen, kOpen}));
}

TEST(CompareInstructions, TheGateCanBeMoved) {
  const Metric metric{
      .name = "m", .better = Better::kLower, .kind = Kind::kInstructions};
  const Side a = SideWith(metric, {1000});
  const Side b = SideWith(metric, {1020});
  EXPECT_EQ(Only(Compare(a, b, {.gate = .02})).judgement, kWorse);
  EXPECT_EQ(Only(Compare(a, b, {.gate = .03})).judgement, kSame);
}

const Metric kTime{.name = "m", .better = Better::kLower, .kind = Kind::kTime};
const Numbers kTen = {100, 101, 102, 103, 104, 105, 106, 107, 108, 109};

Numbers Times(double factor, Numbers values = kTen) {
  for (double& value : values) value *= factor;
  return values;
}

TEST(CompareTime, NeedsCertaintyAndSize) {
  EXPECT_EQ(JudgedOf(kTime, kTen, Times(1.2)), (Judged{kWorse, kBetter}));
  EXPECT_EQ(JudgedOf(kTime, kTen, kTen), (Judged{kSame, kSame}));
  // Certain, and too small.
  const Numbers steady = {1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007};
  EXPECT_EQ(JudgedOf(kTime, steady, Times(1.02, steady)),
            (Judged{kSame, kSame}));
  // Large, and by chance.
  const Numbers noisy = {50, 80, 100, 140, 200, 210};
  const Numbers other = {60, 90, 130, 150, 190, 260};
  EXPECT_EQ(JudgedOf(kTime, noisy, other), (Judged{kOpen, kOpen}));
}

TEST(CompareTime, AKnownFloorRaisesTheGuard) {
  const Side a = SideWith(kTime, kTen);
  const Side b = SideWith(kTime, Times(1.2));
  const Slot slot{"a/case", "vm-256m-1cpu"};
  EXPECT_EQ(Only(Compare(a, b, {.noise = {{slot, {{"m", {.floor = .15}}}}}}))
                .judgement,
            kWorse);
  EXPECT_EQ(Only(Compare(a, b, {.noise = {{slot, {{"m", {.floor = .25}}}}}}))
                .judgement,
            kSame);
}

TEST(CompareTime, WhatIsForInformationIsNoFinding) {
  const Slot slot{"a/case", "vm-256m-1cpu"};
  CalibratedMetric noisy;
  noisy.instance = slot.instance;
  noisy.shape = slot.shape;
  noisy.metric = kTime;
  noisy.informational = true;
  Calibration calibration;
  calibration.metrics = {noisy};
  const NoiseByMetric noise = NoiseOf(calibration);
  EXPECT_EQ(Only(Compare(SideWith(kTime, kTen), SideWith(kTime, Times(2)),
                         {.noise = noise}))
                .judgement,
            kOpen);
}

TEST(CompareTime, FewSamplesAreInconclusiveAndSayHowManyAreNeeded) {
  EXPECT_EQ(JudgedOf(kTime, {100, 101, 102, 103}, {200, 201, 202, 203}),
            (Judged{kOpen, kOpen}));
  const MetricChange few =
      Only(Compare(SideWith(kTime, {100}), SideWith(kTime, {200}), {}));
  EXPECT_EQ(few.pairs_needed, 5);
  const MetricChange noisy =
      Only(Compare(SideWith(kTime, {50, 80, 100, 140, 200, 210}),
                   SideWith(kTime, {60, 90, 130, 150, 190, 260}), {}));
  EXPECT_GT(noisy.smallest_effect, .5);
  EXPECT_GT(noisy.pairs_needed, 100);
}

TEST(CompareTime, FiveSamplesAreNoProofAmongMany) {
  // Alone .004 is below .01; one of twenty it may well be luck.
  const Numbers five = {100, 101, 102, 103, 104};
  Side a = SideWith(kTime, five);
  Side b = SideWith(kTime, Times(1.2, five));
  EXPECT_EQ(Only(Compare(a, b, {})).judgement, kWorse);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "a/other" + std::to_string(i);
    for (Side* side : {&a, &b}) {
      side->declared[id] = {kTime};
      Samples& samples = side->slots[{id, "vm-256m-1cpu"}];
      samples = side->slots.at({"a/case", "vm-256m-1cpu"});
      samples.id = id;
      samples.metrics["m"] = five;
    }
  }
  EXPECT_EQ(Compare(a, b, {}).Count(kWorse), 0);
  // Worth a second look it is.
  EXPECT_EQ(Compare(a, b, {.look = Look::kFirst}).Count(kWorse), 1);
}

TEST(CompareTime, ByTheInstructionClockATimeIsACount) {
  EXPECT_EQ(JudgedOf(kTime, {1000}, {1030}, "-instructions").forth, kWorse);
  EXPECT_EQ(JudgedOf(kTime, {1000}, {1029}, "-instructions").forth, kSame);
  EXPECT_EQ(JudgedOf(kTime, {0}, {1}, "-instructions").forth, kSame);
  EXPECT_EQ(JudgedOf(kTime, {0}, {2}, "-instructions").forth, kWorse);
}

TEST(CompareMetrics, WorstFirst) {
  oomgate::Run base = TestRun();
  base.metrics["a/case"] = {{"slow", Better::kLower},
                            {"slower", Better::kLower},
                            {"count"},
                            {"better", Better::kLower},
                            {"same"}};
  oomgate::Run candidate = base;
  AddResult(
      base, "a/case",
      {{"slow", 10}, {"slower", 10}, {"count", 1}, {"better", 2}, {"same", 3}});
  AddResult(
      candidate, "a/case",
      {{"slow", 11}, {"slower", 30}, {"count", 9}, {"better", 1}, {"same", 3}});
  std::vector<std::string> names;
  const Comparison comparison =
      Compare(SideOf({base}), SideOf({candidate}), {});
  for (const MetricChange& change : comparison.metrics) {
    names.push_back(change.metric.name);
  }
  EXPECT_THAT(names, ElementsAre("slower", "slow", "count", "better", "same"));
  EXPECT_EQ(comparison.metrics[0].before, 10);
  EXPECT_EQ(comparison.metrics[0].now, 30);
  EXPECT_EQ(comparison.metrics[0].relative, 2);
}

TEST(CompareMetrics, OfOneSideOnlyAreShown) {
  oomgate::Run base = TestRun();
  oomgate::Run candidate = TestRun();
  AddResult(base, "a/case", {{"old", 1}, {"both", 1}});
  AddResult(candidate, "a/case", {{"new", 1}, {"both", 1}});
  AddResult(base, "a/gone");
  AddResult(candidate, "a/come").verdict = Verdict::kSkip;
  std::vector<std::string> shown;
  for (const OneSided& one :
       Compare(SideOf({base}), SideOf({candidate}), {}).one_sided) {
    shown.push_back(one.slot.instance + " " + one.metric + " " + one.verdict +
                    (one.in_base ? " base" : " candidate"));
  }
  EXPECT_THAT(shown,
              ElementsAre("a/case old  base", "a/case new  candidate",
                          "a/gone  pass base", "a/come  skip candidate"));
}

TEST(CompareSides, TheFingerprintDecides) {
  oomgate::Run base = TestRun("6.1.0-1");
  oomgate::Run candidate = TestRun("6.12.1");
  AddResult(base, "a/case");
  AddResult(candidate, "a/case");
  const Side a = SideOf({base});
  const Side b = SideOf({candidate});
  try {
    Compare(a, b, {});
    FAIL() << "compared two kernels unasked";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("kernel: 6.1.0-1 | 6.12.1"));
    EXPECT_THAT(error.what(), HasSubstr("--across=kernel"));
  }
  const Comparison comparison = Compare(a, b, {.across = {Matter::kKernel}});
  EXPECT_THAT(comparison.verdicts, SizeIs(1));
  EXPECT_FALSE(comparison.differences.empty());
}

TEST(CompareSides, SamplesAreOfOnePlace) {
  oomgate::Run one = TestRun("6.1.0-1");
  oomgate::Run two = TestRun("6.12.1");
  AddResult(one, "a/case");
  AddResult(two, "a/case");
  EXPECT_THROW(
      Compare(SideOf({one, two}), SideOf({one}), {.across = {Matter::kKernel}}),
      UserError);
}

TEST(CompareSides, OtherShapesOnlyOnRequest) {
  oomgate::Run base = TestRun();
  oomgate::Run candidate = TestRun();
  candidate.starts[0].shape = "vm-512m-1cpu";
  AddResult(base, "a/case", {{"m", 1}});
  AddResult(candidate, "a/case", {{"m", 2}});
  EXPECT_THROW(Compare(SideOf({base}), SideOf({candidate}), {}), UserError);
  const Comparison comparison = Compare(SideOf({base}), SideOf({candidate}),
                                        {.across = {Matter::kPlace}});
  EXPECT_EQ(Only(comparison).slot.shape, "vm-256m-1cpu | vm-512m-1cpu");
  EXPECT_THAT(comparison.one_sided, IsEmpty());
}

TEST(CompareSides, ASkipThatNoPlaceTookIsShownAsAVerdict) {
  oomgate::Run base = TestRun();
  oomgate::Run candidate = TestRun();
  AddResult(base, "a/case");
  Result& skip = AddResult(candidate, "a/case");
  skip.verdict = Verdict::kSkip;
  skip.shape = "";
  const Comparison comparison =
      Compare(SideOf({base}), SideOf({candidate}), {});
  ASSERT_THAT(comparison.verdicts, SizeIs(1));
  EXPECT_EQ(comparison.verdicts[0].now, "skip");
  EXPECT_EQ(comparison.verdicts[0].slot.shape, "vm-256m-1cpu");
}

TEST(CompareSides, NothingInCommonIsNoResult) {
  oomgate::Run base = TestRun();
  oomgate::Run candidate = TestRun();
  AddResult(base, "a/one");
  AddResult(candidate, "a/two");
  EXPECT_THROW(Compare(SideOf({base}), SideOf({candidate}), {}), UserError);
}

TEST(CompareExit, FailOnSaysWhatFails) {
  Comparison comparison;
  const auto code = [&](Judgement judgement, const FailOn& fail_on) {
    comparison.metrics = {MetricChange{}};
    comparison.metrics[0].judgement = judgement;
    return ExitCodeOf(comparison, fail_on);
  };
  const FailOn never{.regressed = false};
  const FailOn changed{.changed = true};
  const FailOn open{.inconclusive = true};
  EXPECT_EQ(code(kWorse, {}), kExitFailure);
  EXPECT_EQ(code(kOther, {}), kExitOk);
  EXPECT_EQ(code(kOpen, {}), kExitOk);
  EXPECT_EQ(code(kBetter, changed), kExitOk);
  EXPECT_EQ(code(kOther, changed), kExitFailure);
  EXPECT_EQ(code(kWorse, changed), kExitFailure);
  EXPECT_EQ(code(kOpen, open), kExitInconclusive);
  EXPECT_EQ(code(kWorse, open), kExitFailure);
  EXPECT_EQ(code(kWorse, never), kExitOk);
}

}  // namespace
}  // namespace oomgate
