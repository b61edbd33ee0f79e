// SPDX-License-Identifier: Apache-2.0
// A comparison as a person, a program or a pull request reads it.
#pragma once

#include <string>
#include <vector>

#include "runner/compare/comparison.h"

namespace oomgate {

// Verdicts first, then metrics, worst first; what did not change is counted.
std::string ComparisonText(const Comparison& comparison);

// All of it, EQUIVALENT ones too.
std::string ComparisonJson(const Comparison& comparison);

// For a comment or a job's summary page.
std::string ComparisonMarkdown(const Comparison& comparison);

// What the reports above share.

// What is shown one by one, in this order; the rest is counted.
inline constexpr Judgement kShown[] = {
    Judgement::kRegressed, Judgement::kChanged, Judgement::kImproved,
    Judgement::kInconclusive};

// "2 REGRESSED, 1 INCONCLUSIVE, 640 EQUIVALENT".
std::string CountsText(const Comparison& comparison);

// "+9.5 %", "-2.0 %", "new" where it was 0.
std::string ChangeText(const MetricChange& change);

// "vm-256m-1cpu cost/fault[kind=read]".
std::string SlotText(const Slot& slot);

// Metrics that changed alike (same case, metric and values), or that are
// inconclusive for one reason; in the order of the worst of them.
struct Alike {
  const MetricChange* first;
  std::vector<const MetricChange*> all;
};
std::vector<Alike> AlikeIn(const Comparison& comparison, Judgement judgement);

// "vm-256m-1cpu cost/fault[kind=read] and 3 more".
std::string NameText(const Alike& alike);

// The reason, and, where it is not conclusive, what would be.
std::string ReasonText(const MetricChange& change);

// What is compared with what: a line each, without what a reader cannot use.
std::vector<std::string> HeadLines(const Comparison& comparison);

// Instances and metrics of one side only, a line for each few.
std::vector<std::string> OneSidedLines(const Comparison& comparison);

}  // namespace oomgate
