// SPDX-License-Identifier: Apache-2.0
// What a comparison's reports have in common.
#include "runner/report/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "runner/compare/power.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

// More names than that are a count.
constexpr std::size_t kNames = 8;

std::string RunsText(const std::string& name, int runs, int interrupted) {
  std::string text = Printable(name);
  if (runs > 1) text += fmt::format(", {} files", runs);
  if (interrupted > 0) {
    text +=
        fmt::format(" ({}not whole: cut off or interrupted)",
                    runs > 1 ? std::to_string(interrupted) + " of them " : "");
  }
  return text;
}

std::string AcrossText(const Across& across) {
  if (across.contains(Matter::kPlace)) return "any";
  std::vector<std::string> names;
  for (const Matter matter : across) names.emplace_back(ToText(matter));
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace

std::string CountsText(const Comparison& comparison) {
  std::string text;
  for (int i = 0; i < static_cast<int>(std::size(kJudgementNames)); ++i) {
    const int count = comparison.Count(static_cast<Judgement>(i));
    if (count == 0 && i != static_cast<int>(Judgement::kRegressed)) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count,
                        kJudgementNames[i]);
  }
  return text;
}

std::string ChangeText(const MetricChange& change) {
  if (std::isinf(change.relative)) return "new";
  const double percent = change.relative * 100;
  const int digits = std::abs(percent) < .095 && percent != 0 ? 2 : 1;
  return fmt::format("{:+.{}f} %", percent, digits);
}

std::string SlotText(const Slot& slot) {
  return Printable(slot.shape.empty() ? slot.instance
                                      : slot.shape + " " + slot.instance);
}

std::vector<Alike> AlikeIn(const Comparison& comparison, Judgement judgement) {
  std::vector<Alike> groups;
  std::map<std::string, std::size_t> known;
  for (const MetricChange& change : comparison.metrics) {
    if (change.judgement != judgement) continue;
    const std::string key =
        judgement == Judgement::kInconclusive
            ? ReasonText(change)
            : fmt::format("{} {} {} {} {}", change.id, change.metric.name,
                          change.before, change.now, change.reason);
    const auto [at, is_new] = known.emplace(key, groups.size());
    if (is_new) groups.push_back({&change, {}});
    groups[at->second].all.push_back(&change);
  }
  return groups;
}

std::string NameText(const Alike& alike) {
  std::string text = SlotText(alike.first->slot);
  if (alike.all.size() > 1) {
    text += fmt::format(" and {} more", alike.all.size() - 1);
  }
  return text;
}

std::string ReasonText(const MetricChange& change) {
  std::string text = change.reason;
  if (change.judgement != Judgement::kInconclusive) return Printable(text);
  if (change.smallest_effect) {
    text += fmt::format("; less than {} could not be seen",
                        PercentText(*change.smallest_effect));
  }
  if (change.pairs_needed.value_or(0) > kFewestPairs) {
    text += fmt::format("; {} samples a side would show 10 %",
                        *change.pairs_needed);
  }
  return Printable(text);
}

std::vector<std::string> HeadLines(const Comparison& comparison) {
  std::vector<std::string> lines = {
      "base: " + RunsText(comparison.base, comparison.base_runs,
                          comparison.base_interrupted),
      "candidate: " + RunsText(comparison.candidate, comparison.runs,
                               comparison.interrupted)};
  if (comparison.differences.empty()) return lines;
  if (!comparison.across.empty()) {
    lines.push_back("across: " + AcrossText(comparison.across));
  }
  for (const std::string& line : LinesOf(comparison.differences)) {
    lines.push_back(Printable(line));
  }
  return lines;
}

std::vector<std::string> OneSidedLines(const Comparison& comparison) {
  // Side, then what, then names.
  std::map<std::pair<bool, std::string>, std::vector<std::string>> groups;
  for (const OneSided& one : comparison.one_sided) {
    const std::string name = SlotText(one.slot);
    if (one.metric.empty()) {
      groups[{!one.in_base, "instances"}].push_back(
          fmt::format("{} ({})", name, one.verdict));
    } else {
      groups[{!one.in_base, "metrics"}].push_back(
          fmt::format("{} {}", one.metric, name));
    }
  }
  std::vector<std::string> lines;
  for (const auto& [group, names] : groups) {
    const char* side = group.first ? "candidate" : "base";
    std::string text =
        fmt::format("only in the {}: {} {}", side, names.size(), group.second);
    if (names.size() <= kNames) {
      text += fmt::format(": {}", fmt::join(names, ", "));
    } else {
      const std::vector<std::string> some(names.begin(),
                                          names.begin() + kNames / 2);
      text += fmt::format(", among them {}", fmt::join(some, ", "));
    }
    lines.push_back(Printable(text));
  }
  return lines;
}

}  // namespace oomgate
