// SPDX-License-Identifier: Apache-2.0
// The runs of one step, which must all answer the same.
#pragma once

#include <functional>

#include "runner/bisect/log.h"
#include "runner/bisect/trial.h"

namespace oomgate {

using JudgeRun = std::function<StepOutcome(const OneRun& run)>;

// Runs once, and `confirm` times more, as long as that says something; skip
// where answers differ. `trial` gets the first run and its result; the runs go
// into the folder of `log`. Throws Interrupted, UserError, HarnessError.
StepOutcome RunConfirmed(RunOptions options, int confirm, const JudgeRun& judge,
                         const BisectLog& log, Trial& trial);

}  // namespace oomgate
