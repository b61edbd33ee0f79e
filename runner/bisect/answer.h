// SPDX-License-Identifier: Apache-2.0
// What one step of a bisect says of its kernel or its settings. Pure.
#pragma once

#include <optional>
#include <string>

#include "oomgate/model/result.h"
#include "runner/compare/comparison.h"

namespace oomgate {

enum class BisectAnswer { kGood, kBad, kSkip };
inline constexpr const char* kAnswerNames[] = {"good", "bad", "skip"};
constexpr const char* ToText(BisectAnswer answer) {
  return kAnswerNames[static_cast<int>(answer)];
}

struct StepOutcome {
  BisectAnswer answer = BisectAnswer::kSkip;
  std::string why;  // one line
  bool operator==(const StepOutcome&) const = default;
};

// Verdict and why in one line: checks that did not hold, and whatever else was
// found, a leak or a warning of the kernel among it.
std::string ShortReason(const Result& result);

// good: pass, known. bad: fail, or lost after its guest had started. skip: all
// else, as it says nothing of the kernel.
StepOutcome OutcomeOf(const Result& result);

// bad where the metric went the wrong way (higher, unless higher is better) by
// more than `worse_than`, a share of what it was. skip without a value.
StepOutcome OutcomeOfCost(const Result& result,
                          const std::optional<MetricChange>& change,
                          double worse_than);

// 0, 1 or 125: what `git bisect run` takes them for.
int ExitCodeOf(BisectAnswer answer);

}  // namespace oomgate
