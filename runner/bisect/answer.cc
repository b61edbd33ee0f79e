// SPDX-License-Identifier: Apache-2.0
// Verdicts and costs to answers.
#include "runner/bisect/answer.h"

#include <fmt/core.h>

#include "runner/record/findings_text.h"
#include "runner/report/text.h"

namespace oomgate {
std::string ShortReason(const Result& result) {
  const std::string why = WhyNoPass(result);
  return fmt::format("{}{}{}", ToText(result.verdict), why.empty() ? "" : ": ",
                     Printable(why));
}

StepOutcome OutcomeOf(const Result& result) {
  switch (result.verdict) {
    case Verdict::kPass:
    case Verdict::kKnown:
      return {BisectAnswer::kGood, ShortReason(result)};
    case Verdict::kFail:
      return {BisectAnswer::kBad, ShortReason(result)};
    case Verdict::kLost:
      // Without a release its guest never said that it had started.
      if (!result.kernel.empty())
        return {BisectAnswer::kBad, ShortReason(result)};
      return {BisectAnswer::kSkip, "did not start: " + ShortReason(result)};
    case Verdict::kSkip:
    case Verdict::kBroken:
      break;
  }
  return {BisectAnswer::kSkip, ShortReason(result)};
}

StepOutcome OutcomeOfCost(const Result& result,
                          const std::optional<MetricChange>& change,
                          double worse_than) {
  if (!change)
    return {BisectAnswer::kSkip,
            ShortReason(result) + "; nothing was measured"};
  const bool fewer_is_worse = change->metric.better == Better::kHigher;
  const double worse = fewer_is_worse ? -change->relative : change->relative;
  return {worse > worse_than ? BisectAnswer::kBad : BisectAnswer::kGood,
          fmt::format("{} {} -> {} ({}{:.2f} %), gate {}", change->metric.name,
                      NumberText(change->before), NumberText(change->now),
                      change->relative < 0 ? "" : "+", 100 * change->relative,
                      PercentText(worse_than))};
}

int ExitCodeOf(BisectAnswer answer) {
  constexpr int kCannotTell = 125;
  return answer == BisectAnswer::kGood  ? 0
         : answer == BisectAnswer::kBad ? 1
                                        : kCannotTell;
}

}  // namespace oomgate
