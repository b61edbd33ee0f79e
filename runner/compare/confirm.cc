// SPDX-License-Identifier: Apache-2.0
// Looks each finding up in the second comparison.
#include "runner/compare/confirm.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace oomgate {
namespace {

bool IsFinding(Judgement judgement) {
  return judgement == Judgement::kRegressed ||
         judgement == Judgement::kChanged || judgement == Judgement::kImproved;
}

bool SameThing(const VerdictChange& a, const VerdictChange& b) {
  return a.slot == b.slot;
}
bool SameThing(const MetricChange& a, const MetricChange& b) {
  return a.slot == b.slot && a.metric.name == b.metric.name;
}

template <typename Change>
void ConfirmEach(std::vector<Change>& first, const std::vector<Change>& again) {
  for (Change& change : first) {
    if (!IsFinding(change.judgement)) continue;
    const auto same = std::ranges::find_if(
        again, [&](const Change& other) { return SameThing(change, other); });
    if (same != again.end() && same->judgement == change.judgement) {
      change.reason += "; confirmed by fresh samples";
      continue;
    }
    change.reason =
        std::string(ToText(change.judgement)) + " at first (" + change.reason +
        "), not confirmed by fresh samples" +
        (same == again.end() ? ""
                             : ": " + std::string(ToText(same->judgement)));
    change.judgement =
        same != again.end() && same->judgement == Judgement::kEquivalent
            ? Judgement::kEquivalent
            : Judgement::kInconclusive;
  }
}

}  // namespace

std::vector<std::string> Flagged(const Comparison& comparison) {
  std::set<std::string> names;
  for (const VerdictChange& change : comparison.verdicts) {
    if (IsFinding(change.judgement)) names.insert(change.slot.instance);
  }
  for (const MetricChange& change : comparison.metrics) {
    if (IsFinding(change.judgement)) names.insert(change.slot.instance);
  }
  return {names.begin(), names.end()};
}

void Confirm(Comparison& first, const Comparison& again) {
  ConfirmEach(first.verdicts, again.verdicts);
  ConfirmEach(first.metrics, again.metrics);
  SortWorstFirst(first);
}

}  // namespace oomgate
