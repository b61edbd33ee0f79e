// SPDX-License-Identifier: Apache-2.0
// A comparison for a terminal: a line per finding, worst first.
#include <fmt/format.h>

#include "runner/record/findings_text.h"
#include "runner/report/comparison.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr const char* kIndent = "               ";
constexpr std::size_t kMostChecks = 6;  // of one instance

// Checks and findings a line each; else the reason.
std::string ReasonLines(const VerdictChange& change) {
  if (change.checks.empty() && change.also.empty()) {
    return change.reason.empty() ? "" : PrintableLines(change.reason, kIndent);
  }
  std::string text;
  const auto add = [&](const std::string& line) {
    text += kIndent + Printable(line) + "\n";
  };
  const std::size_t all = change.checks.size();
  const std::size_t checks = all <= kMostChecks ? all : kMostChecks - 1;
  for (std::size_t i = 0; i < checks; ++i) add(ToText(change.checks[i]));
  if (checks < all) add(fmt::format("and {} more checks", all - checks));
  for (const Finding& finding : change.also) add(ToText(finding));
  return text;
}

std::string VerdictLines(const Comparison& comparison) {
  std::string text;
  for (const VerdictChange& change : comparison.verdicts) {
    if (change.judgement == Judgement::kEquivalent) continue;
    text += fmt::format("  {:<12} {}: {} -> {}\n", ToText(change.judgement),
                        SlotText(change.slot), change.before, change.now);
    text += ReasonLines(change);
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
