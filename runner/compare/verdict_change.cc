// SPDX-License-Identifier: Apache-2.0
// The worst verdict of a side stands for it; where the base's own samples
// differ, only something still worse is a finding.
#include "runner/compare/verdict_change.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/record/findings_text.h"

namespace oomgate {
namespace {

bool Ranked(Verdict verdict) {
  return verdict != Verdict::kSkip && verdict != Verdict::kBroken;
}

int Severity(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return 0;
    case Verdict::kSkip:
      return 1;
    case Verdict::kKnown:
      return 2;
    case Verdict::kBroken:
      return 3;
    case Verdict::kFail:
      return 4;
    case Verdict::kLost:
      return 5;
  }
  return 5;
}

Verdict Worst(const std::map<Verdict, int>& verdicts) {
  return std::ranges::max_element(
             verdicts, {},
             [](const auto& item) { return Severity(item.first); })
      ->first;
}

bool IsBad(Verdict verdict) {
  return verdict == Verdict::kFail || verdict == Verdict::kLost;
}

Judgement Judge(Verdict before, Verdict now) {
  if (now == Verdict::kBroken || before == Verdict::kBroken) {
    return IsBad(now) ? Judgement::kRegressed : Judgement::kInconclusive;
  }
  if (IsBad(now)) {
    if (Severity(now) > Severity(before)) return Judgement::kRegressed;
    return Judgement::kImproved;  // no hang any more
  }
  if (!Ranked(before) || !Ranked(now)) return Judgement::kChanged;
  return Severity(now) < Severity(before) ? Judgement::kImproved
                                          : Judgement::kChanged;
}

// Why, by what the run that it happened in found.
Result ExampleOf(const Samples& samples, Verdict verdict) {
  const auto at = samples.examples.find(verdict);
  return at == samples.examples.end() ? Result{} : at->second;
}

// Steps that are left out of passes now, and were not: they prove less.
std::vector<LeftOut> NewlyLeftOut(const Samples& base,
                                  const Samples& candidate) {
  std::vector<LeftOut> steps;
  if (!base.left_out || !candidate.left_out) return steps;
  const Result example = ExampleOf(candidate, Verdict::kPass);
  for (const std::string& step : *candidate.left_out) {
    if (base.left_out->contains(step)) continue;
    const auto why = std::ranges::find(example.left_out, step, &LeftOut::step);
    steps.push_back(why == example.left_out.end() ? LeftOut{step, ""} : *why);
  }
  return steps;
}

std::string LeftOutText(const std::vector<LeftOut>& steps) {
  std::string text;
  for (const LeftOut& out : steps) {
    text += (text.empty() ? "" : "; ") + ToText(out);
  }
  return text;
}

std::string EndsText(const std::map<std::string, int>& ends) {
  std::string text;
  for (const auto& [end, count] : ends) {
    text += (text.empty() ? "" : " or ") + end;
  }
  return text;
}

bool NewEnd(const Samples& base, const Samples& candidate) {
  return std::ranges::any_of(candidate.ends, [&](const auto& end) {
    return !base.ends.contains(end.first);
  });
}

}  // namespace

std::string VerdictsText(const std::map<Verdict, int>& verdicts) {
  if (verdicts.size() == 1) return ToText(verdicts.begin()->first);
  std::string text;
  for (const auto& [verdict, count] : verdicts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count,
                        ToText(verdict));
  }
  return text;
}

VerdictChange JudgeVerdicts(const Slot& slot, const Samples& base,
                            const Samples& candidate) {
  VerdictChange change;
  change.slot = slot;
  change.before = VerdictsText(base.verdicts);
  change.now = VerdictsText(candidate.verdicts);
  const Verdict before = Worst(base.verdicts);
  const Verdict now = Worst(candidate.verdicts);
  const bool steady = base.verdicts.size() == 1;
  if (before == now) {
    if (steady && candidate.verdicts.size() > 1) {
      // The same at its worst, and better at times.
      change.judgement = Judgement::kInconclusive;
      change.reason = "not in every sample now";
    } else if (!steady) {
      change.judgement = Judgement::kInconclusive;
      change.reason = "the base's own samples differ";
    } else if (now == Verdict::kPass && NewEnd(base, candidate)) {
      change.judgement = Judgement::kChanged;
      change.before += " (" + EndsText(base.ends) + ")";
      change.now += " (" + EndsText(candidate.ends) + ")";
      change.reason = "it ended in another way";
    } else if (now == Verdict::kPass) {
      change.left_out = NewlyLeftOut(base, candidate);
      if (!change.left_out.empty()) {
        change.judgement = Judgement::kChanged;
        change.reason = "left out now: " + LeftOutText(change.left_out);
      }
    }
    return change;
  }
  change.judgement = Judge(before, now);
  const Result example = ExampleOf(candidate, now);
  change.reason = WhyNoPass(example);
  change.checks = example.checks;
  change.also = example.also;
  change.left_out = example.left_out;
  if (change.reason.empty()) {
    const std::string was = WhyNoPass(ExampleOf(base, before));
    if (!was.empty()) change.reason = "before: " + was;
  }
  if (!steady && change.judgement != Judgement::kRegressed) {
    change.judgement = Judgement::kInconclusive;
    change.reason = "the base's own samples differ";
  }
  return change;
}

}  // namespace oomgate
