// SPDX-License-Identifier: Apache-2.0
// Verdicts and costs to answers.
#include "runner/bisect/answer.h"

#include <fmt/core.h>

#include "runner/report/text.h"

namespace oomgate {
namespace {

std::string Why(const Result& result) {
  return fmt::format("{}{}{}", ToText(result.verdict),
                     result.reason.empty() ? "" : ": ",
                     Printable(result.reason));
}

}  // namespace

Outcome OutcomeOf(const Result& result) {
  switch (result.verdict) {
    case Verdict::kPass:
    case Verdict::kKnown:
      return {Answer::kGood, Why(result)};
    case Verdict::kFail:
      return {Answer::kBad, Why(result)};
    case Verdict::kLost:
      // Without a release its guest never said that it had started.
      if (!result.kernel.empty()) return {Answer::kBad, Why(result)};
      return {Answer::kSkip, "did not start: " + Why(result)};
    case Verdict::kSkip:
    case Verdict::kBroken:
      break;
  }
  return {Answer::kSkip, Why(result)};
}

Outcome OutcomeOfCost(const Result& result,
                      const std::optional<MetricChange>& change,
                      double worse_than) {
  if (!change) return {Answer::kSkip, "nothing was measured: " + Why(result)};
  const bool fewer_is_worse = change->metric.better == Better::kHigher;
  const double worse = fewer_is_worse ? -change->relative : change->relative;
  return {worse > worse_than ? Answer::kBad : Answer::kGood,
          fmt::format("{} {} -> {} ({}{:.2f} %), gate {}", change->metric.name,
                      NumberText(change->before), NumberText(change->now),
                      change->relative < 0 ? "" : "+", 100 * change->relative,
                      PercentText(worse_than))};
}

int ExitCodeOf(Answer answer) {
  constexpr int kCannotTell = 125;
  return answer == Answer::kGood ? 0 : answer == Answer::kBad ? 1 : kCannotTell;
}

}  // namespace oomgate
