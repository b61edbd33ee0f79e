// SPDX-License-Identifier: Apache-2.0
// A comparison for a terminal: a line per finding, worst first.
#include <fmt/format.h>

#include "runner/report/comparison.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

std::string VerdictLines(const Comparison& comparison) {
  std::string text;
  for (const VerdictChange& change : comparison.verdicts) {
    if (change.judgement == Judgement::kEquivalent) continue;
    text += fmt::format("  {:<12} {}: {} -> {}\n", ToText(change.judgement),
                        SlotText(change.slot), change.before, change.now);
    if (!change.reason.empty()) {
      text += PrintableLines(change.reason, "               ");
    }
  }
  return text.empty() ? "" : "Verdicts\n" + text + "\n";
}

std::string MetricLines(const Comparison& comparison) {
  std::string text;
  for (const Judgement judgement : kShown) {
    for (const Alike& alike : AlikeIn(comparison, judgement)) {
      const MetricChange& change = *alike.first;
      text += fmt::format("  {:<12} {:>8}  {} {} -> {}  {}: {}\n",
                          ToText(judgement), ChangeText(change),
                          Printable(change.metric.name),
                          NumberText(change.before), NumberText(change.now),
                          NameText(alike), ReasonText(change));
    }
  }
  return text.empty() ? "" : "Metrics\n" + text + "\n";
}

}  // namespace

std::string ComparisonText(const Comparison& comparison) {
  std::string text;
  for (const std::string& line : HeadLines(comparison)) text += line + "\n";
  text += "\n" + VerdictLines(comparison) + MetricLines(comparison);
  for (const std::string& line : OneSidedLines(comparison)) text += line + "\n";
  return text + "Comparison: " + CountsText(comparison) + "\n";
}

}  // namespace oomgate
