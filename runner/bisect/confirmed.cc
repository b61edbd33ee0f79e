// SPDX-License-Identifier: Apache-2.0
// The runs of one step.
#include "runner/bisect/confirmed.h"

#include <fmt/core.h>

namespace oomgate {

StepOutcome RunConfirmed(RunOptions options, int confirm, const JudgeRun& judge,
                         const BisectLog& log, Trial& trial) {
  options.results = log.runs();
  StepOutcome first;
  for (int i = 0; i <= confirm; ++i) {
    const OneRun one = RunOnce(options, trial.title);
    StepOutcome outcome = judge(one);
    if (i == 0) {
      first = outcome;
      trial.run = log.Below(one.folder);
      trial.result = WithoutConsole(one.result());
    } else if (outcome.answer != first.answer) {
      return {BisectAnswer::kSkip,
              fmt::format("inconclusive: first {} ({}), then {} ({})",
                          ToText(first.answer), first.why,
                          ToText(outcome.answer), outcome.why)};
    }
    if (outcome.answer == BisectAnswer::kSkip) return outcome;
  }
  return first;
}

}  // namespace oomgate
