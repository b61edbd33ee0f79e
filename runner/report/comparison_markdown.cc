// SPDX-License-Identifier: Apache-2.0
// A comparison for a comment or a job's summary page.
#include <fmt/format.h>

#include "runner/report/comparison.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

// A cell: no line break, no bar that would end it, no markup of its own.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : Printable(text)) {
    if (c == '|' || c == '<' || c == '*' || c == '_' || c == '[' || c == '`' ||
        c == '\\') {
      cell += '\\';
    }
    cell += c;
  }
  return cell;
}

std::string VerdictTable(const Comparison& comparison) {
  std::string text;
  for (const VerdictChange& change : comparison.verdicts) {
    if (change.judgement == Judgement::kEquivalent) continue;
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n",
                        ToText(change.judgement), Cell(change.slot.instance),
                        Cell(change.slot.shape), Cell(change.before),
                        Cell(change.now), Cell(change.reason));
  }
  if (text.empty()) return "";
  return "\n| verdict | instance | shape | before | now | reason |\n"
         "|---|---|---|---|---|---|\n" +
         text;
}

std::string MetricTable(const Comparison& comparison) {
  std::string text;
  for (const Judgement judgement : kShown) {
    for (const Alike& alike : AlikeIn(comparison, judgement)) {
      const MetricChange& change = *alike.first;
      text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n",
                          ToText(judgement), Cell(NameText(alike)),
                          Cell(change.metric.name), NumberText(change.before),
                          NumberText(change.now), ChangeText(change),
                          Cell(ReasonText(change)));
    }
  }
  if (text.empty()) return "";
  return "\n| metric of | | name | before | now | change | reason |\n"
         "|---|---|---|--:|--:|--:|---|\n" +
         text;
}

}  // namespace

std::string ComparisonMarkdown(const Comparison& comparison) {
  std::string text = "**" + CountsText(comparison) + "**\n\n";
  for (const std::string& line : HeadLines(comparison)) {
    text += "- " + Cell(line) + "\n";
  }
  text += VerdictTable(comparison) + MetricTable(comparison);
  const auto alone = OneSidedLines(comparison);
  if (!alone.empty()) text += "\n";
  for (const std::string& line : alone) text += "- " + Cell(line) + "\n";
  return text;
}

}  // namespace oomgate
