// SPDX-License-Identifier: Apache-2.0
#include "runner/report/comparison.h"

#include <gmock/gmock.h>

#include <cmath>

#include "oomgate/model/json.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

MetricChange Cost(const std::string& instance, Judgement judgement,
                  double before, double now) {
  MetricChange change;
  change.slot = {"cost/" + instance, "vm-256m-1cpu"};
  change.id = "cost/one";
  change.metric.name = "instructions";
  change.before = before;
  change.now = now;
  change.relative = before == 0 ? INFINITY : now / before - 1;
  change.judgement = judgement;
  change.reason = "gate 1 %";
  return change;
}

auto TwoKernels() {
  Comparison c;
  c.base = "a/run.json";
  c.candidate = "b/run.json";
  c.base_runs = 1;
  c.runs = 3;
  c.interrupted = 1;
  c.across = {Matter::kKernel};
  c.gate = .01;
  c.differences = {{Matter::kKernel, "kernel", "6.1", "6.12", {"vm-256m-1cpu"}},
                   {Matter::kKernel, "memory", "7", "8", {"vm-256m-1cpu"}}};
  VerdictChange skip;
  skip.slot = {"memcg/v1", "vm-256m-1cpu"};
  skip.before = "pass";
  skip.now = "skip";
  skip.judgement = Judgement::kChanged;
  skip.reason = "needs | that";
  c.verdicts = {skip, VerdictChange{}};
  c.metrics = {Cost("a", Judgement::kRegressed, 1000, 1095),
               Cost("b", Judgement::kRegressed, 1000, 1095),
               Cost("c", Judgement::kRegressed, 1000, 1030),
               Cost("d", Judgement::kEquivalent, 1000, 1001)};
  c.one_sided = {{{"oom/new", "vm-256m-1cpu"}, "", false, "pass"}};
  return c;
}

TEST(ComparisonReport, ForAPerson) {
  EXPECT_EQ(
      ComparisonText(TwoKernels()),
      "base: a/run.json\n"
      "candidate: b/run.json, 3 files (1 of them not whole: cut off or "
      "interrupted)\n"
      "across: kernel\n"
      "kernel: 6.1 | 6.12 (vm-256m-1cpu)\n"
      "and with the kernel: memory\n"
      "\n"
      "Verdicts\n"
      "  CHANGED      vm-256m-1cpu memcg/v1: pass -> skip\n"
      "               needs | that\n"
      "\n"
      "Metrics\n"
      "  REGRESSED      +9.5 %  instructions 1000 -> 1095  vm-256m-1cpu cost/a "
      "and 1 more: gate 1 %\n"
      "  REGRESSED      +3.0 %  instructions 1000 -> 1030  vm-256m-1cpu "
      "cost/c: gate 1 %\n"
      "\n"
      "only in the candidate: 1 instances: vm-256m-1cpu oom/new (pass)\n"
      "Comparison: 3 REGRESSED, 1 CHANGED, 2 EQUIVALENT\n");
}

TEST(ComparisonReport, AFailureHasALineForWhateverWasFound) {
  Comparison c;
  VerdictChange& fail = c.verdicts.emplace_back();
  fail.slot = {"counters/locked", "vm-256m-1cpu"};
  fail.before = "pass";
  fail.now = "fail";
  fail.judgement = Judgement::kRegressed;
  fail.reason = "one sentence";
  fail.checks.assign(8, {"lock", "grown", "8 MiB", "4 MiB"});
  fail.also = {{kLeftBehind, "Shmem +4096 kB"}};
  const std::string text = ComparisonText(c);
  EXPECT_THAT(
      text, HasSubstr("locked: pass -> fail\n"
                      "               lock: grown is 8 MiB, expected 4 MiB\n"));
  EXPECT_THAT(text, HasSubstr("               and 3 more checks\n"
                              "               left behind: Shmem +4096 kB\n"));
  const Json json = Json::parse(ComparisonJson(c)).at("verdicts").at(0);
  EXPECT_EQ(json.at("checks").size(), 8U);
  EXPECT_EQ(json.at("also").at(0).at("what"), "left behind");
  EXPECT_FALSE(json.contains("left_out"));
  EXPECT_THAT(ComparisonMarkdown(c), HasSubstr("| one sentence |"));
}

TEST(ComparisonReport, ForAProgram) {
  Comparison c = TwoKernels();
  c.metrics[0].relative = INFINITY;
  c.metrics[1].smallest_effect = INFINITY;
  c.metrics[1].pairs_needed = 12;
  const Json json = Json::parse(ComparisonJson(c));
  EXPECT_THAT(json.at("metrics"), SizeIs(4));
  EXPECT_TRUE(json.at("metrics")[0].at("relative").is_null());
  EXPECT_EQ(json.at("metrics")[1].at("pairs_needed"), 12);
  EXPECT_EQ(json.at("verdicts")[0].at("now"), "skip");
  EXPECT_EQ(json.at("counts").at("REGRESSED"), 3);
  EXPECT_EQ(json.at("counts").at("INCONCLUSIVE"), 0);
  EXPECT_EQ(json.at("across"), Json::array({"kernel"}));
  EXPECT_EQ(json.at("one_sided")[0].at("side"), "candidate");
}

TEST(ComparisonReport, ForAPage) {
  const std::string text = ComparisonMarkdown(TwoKernels());
  EXPECT_THAT(text, HasSubstr("**3 REGRESSED, 1 CHANGED, 2 EQUIVALENT**"));
  EXPECT_THAT(text, HasSubstr("| needs \\| that |"));
  EXPECT_THAT(text, HasSubstr("| 1000 | 1095 | +9.5 % |"));
}

TEST(ComparisonReport, WhatIsInconclusiveForOneReasonIsOneLine) {
  Comparison c;
  for (const char* name : {"a", "b", "c"}) {
    c.metrics.push_back(Cost(name, Judgement::kInconclusive, 10, 11));
    c.metrics.back().reason = "1 against 1 samples";
    c.metrics.back().pairs_needed = 5;
  }
  c.metrics[2].reason = "few";
  c.metrics[2].smallest_effect = .4;
  c.metrics[2].pairs_needed = 60;
  const auto groups = AlikeIn(c, Judgement::kInconclusive);
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_EQ(NameText(groups[0]), "vm-256m-1cpu cost/a and 1 more");
  EXPECT_EQ(ReasonText(*groups[0].first), "1 against 1 samples");
  EXPECT_EQ(ReasonText(*groups[1].first),
            "few; less than 40 % could not be seen; 60 samples a side would "
            "show 10 %");
}

TEST(ComparisonReport, ManyOfOneSideAreCounted) {
  Comparison c;
  for (int i = 0; i < 20; ++i) {
    c.one_sided.push_back(
        {{"oom/" + std::to_string(i), "vm"}, "", true, "pass"});
  }
  EXPECT_THAT(OneSidedLines(c),
              ElementsAre(HasSubstr("only in the base: 20 instances, among")));
  EXPECT_THAT(ComparisonText(c), Not(HasSubstr("oom/19")));
}

TEST(ComparisonReport, SmallChangesKeepTheirDigits) {
  EXPECT_EQ(ChangeText(Cost("a", Judgement::kChanged, 10000, 10005)),
            "+0.05 %");
  EXPECT_EQ(ChangeText(Cost("a", Judgement::kChanged, 1000, 2)), "-99.8 %");
  EXPECT_EQ(ChangeText(Cost("a", Judgement::kChanged, 0, 2)), "new");
}

}  // namespace
}  // namespace oomgate
