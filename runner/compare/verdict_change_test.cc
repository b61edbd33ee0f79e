// SPDX-License-Identifier: Apache-2.0
#include "runner/compare/verdict_change.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using Verdicts = std::map<Verdict, int>;

VerdictChange Change(const Verdicts& base, const Verdicts& candidate) {
  Samples before;
  Samples now;
  before.verdicts = base;
  now.verdicts = candidate;
  return JudgeVerdicts({}, before, now);
}

std::string Judged(const Verdicts& base, const Verdicts& candidate) {
  return ToText(Change(base, candidate).judgement);
}

constexpr auto kPass = Verdict::kPass;
constexpr auto kKnown = Verdict::kKnown;
constexpr auto kSkip = Verdict::kSkip;
constexpr auto kFail = Verdict::kFail;
constexpr auto kBroken = Verdict::kBroken;
constexpr auto kLost = Verdict::kLost;

TEST(VerdictChange, OfEachPair) {
  struct {
    Verdict before;
    Verdict now;
    const char* judgement;
  } const pairs[] = {
      {kPass, kKnown, "CHANGED"},       {kPass, kSkip, "CHANGED"},
      {kPass, kFail, "REGRESSED"},      {kPass, kLost, "REGRESSED"},
      {kPass, kBroken, "INCONCLUSIVE"}, {kKnown, kPass, "IMPROVED"},
      {kKnown, kSkip, "CHANGED"},       {kKnown, kFail, "REGRESSED"},
      {kSkip, kPass, "CHANGED"},        {kSkip, kKnown, "CHANGED"},
      {kSkip, kFail, "REGRESSED"},      {kSkip, kLost, "REGRESSED"},
      {kFail, kPass, "IMPROVED"},       {kFail, kKnown, "IMPROVED"},
      {kFail, kSkip, "CHANGED"},        {kFail, kLost, "REGRESSED"},
      {kLost, kFail, "IMPROVED"},       {kLost, kPass, "IMPROVED"},
      {kBroken, kPass, "INCONCLUSIVE"}, {kBroken, kFail, "REGRESSED"},
  };
  for (const auto& [before, now, judgement] : pairs) {
    EXPECT_EQ(Judged({{before, 1}}, {{now, 1}}), judgement)
        << ToText(before) << " to " << ToText(now);
  }
  for (const Verdict same : {kPass, kKnown, kSkip, kFail, kLost}) {
    EXPECT_EQ(Judged({{same, 1}}, {{same, 3}}), "EQUIVALENT");
  }
}

TEST(VerdictChange, OneOfSeveralSamplesIsEnough) {
  const VerdictChange change = Change({{kPass, 5}}, {{kPass, 4}, {kFail, 1}});
  EXPECT_EQ(change.judgement, Judgement::kRegressed);
  EXPECT_EQ(change.before, "pass");
  EXPECT_EQ(change.now, "4 pass, 1 fail");
}

TEST(VerdictChange, ABaseThatVariesProvesNothing) {
  EXPECT_EQ(Judged({{kPass, 4}, {kFail, 1}}, {{kPass, 5}}), "INCONCLUSIVE");
  EXPECT_EQ(Judged({{kPass, 4}, {kFail, 1}}, {{kFail, 5}}), "INCONCLUSIVE");
  EXPECT_EQ(Judged({{kPass, 4}, {kFail, 1}}, {{kLost, 1}}), "REGRESSED");
  EXPECT_EQ(Judged({{kFail, 5}}, {{kPass, 4}, {kFail, 1}}), "INCONCLUSIVE");
}

TEST(VerdictChange, AnotherEndIsAChange) {
  Samples before;
  before.verdicts = {{kPass, 2}};
  before.ends = {{"exited 0", 2}};
  Samples now = before;
  now.ends = {{"oom-killed", 2}};
  const VerdictChange change = JudgeVerdicts({}, before, now);
  EXPECT_EQ(change.judgement, Judgement::kChanged);
  EXPECT_EQ(change.before, "pass (exited 0)");
  EXPECT_EQ(change.now, "pass (oom-killed)");
  now.ends["exited 0"] = 1;
  EXPECT_EQ(JudgeVerdicts({}, before, now).judgement, Judgement::kChanged);
  EXPECT_EQ(JudgeVerdicts({}, now, before).judgement, Judgement::kEquivalent);
}

TEST(VerdictChange, TheReasonIsTheRuns) {
  Samples before;
  before.verdicts = {{kSkip, 1}};
  before.examples[kSkip].reason = "needs swap";
  Samples now;
  now.verdicts = {{kPass, 1}};
  EXPECT_EQ(JudgeVerdicts({}, before, now).reason, "before: needs swap");
  EXPECT_EQ(JudgeVerdicts({}, now, before).reason, "needs swap");
}

TEST(VerdictChange, HasWhatTheCandidateFound) {
  Samples before;
  before.verdicts = {{kPass, 1}};
  Samples now;
  now.verdicts = {{kFail, 1}};
  Result& example = now.examples[kFail];
  example.verdict = kFail;
  example.checks = {{"lock", "grown", "8 MiB", "4 MiB"}};
  example.also = {{kLeftBehind, "Shmem +4 kB"}};
  const VerdictChange change = JudgeVerdicts({}, before, now);
  EXPECT_EQ(change.reason,
            "lock: grown is 8 MiB, expected 4 MiB; left behind: Shmem +4 kB");
  EXPECT_EQ(change.checks, example.checks);
  EXPECT_EQ(change.also, example.also);
}

TEST(VerdictChange, APassThatLeavesMoreOutIsAChange) {
  Samples before;
  before.verdicts = {{kPass, 1}};
  Samples now = before;
  now.left_out = {"lock on fault"};
  now.examples[kPass].left_out = {{"lock on fault", "needs 4.4"}};
  const VerdictChange change = JudgeVerdicts({}, before, now);
  EXPECT_EQ(change.judgement, Judgement::kChanged);
  EXPECT_EQ(change.reason, "left out now: lock on fault: needs 4.4");
  EXPECT_EQ(JudgeVerdicts({}, now, before).judgement, Judgement::kEquivalent);
  before.left_out.reset();  // schema 1 does not say
  EXPECT_EQ(JudgeVerdicts({}, before, now).judgement, Judgement::kEquivalent);
}

}  // namespace
}  // namespace oomgate
