// SPDX-License-Identifier: Apache-2.0
// The worst verdict of a side stands for it; where the base's own samples
// differ, only something still worse is a finding.
#include "runner/compare/verdict_change.h"

#include <fmt/format.h>

#include <algorithm>

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

// Why, in the words of the run that it happened in.
std::string ReasonOf(const Samples& samples, Verdict verdict) {
  const auto at = samples.reasons.find(verdict);
  return at == samples.reasons.end() ? "" : at->second;
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
    }
    return change;
  }
  change.judgement = Judge(before, now);
  change.reason = ReasonOf(candidate, now);
  if (change.reason.empty()) {
    const std::string was = ReasonOf(base, before);
    if (!was.empty()) change.reason = "before: " + was;
  }
  if (!steady && change.judgement != Judgement::kRegressed) {
    change.judgement = Judgement::kInconclusive;
    change.reason = "the base's own samples differ";
  }
  return change;
}

}  // namespace oomgate
