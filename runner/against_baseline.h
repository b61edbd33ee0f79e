// SPDX-License-Identifier: Apache-2.0
// What `oomgate run --baseline` adds to a run: the comparison, and its exit.
#pragma once

#include <cstdio>
#include <string>

#include "runner/compare/compare.h"
#include "runner/error.h"
#include "runner/run_cases.h"

namespace oomgate {

struct BaselineOptions {
  std::string path;  // "": no comparison
  CompareOptions compare = {};
  FailOn fail_on = {};
};

// Throws UserError where the baseline cannot be read: before a run that may
// take long.
void CheckBaseline(const BaselineOptions& options);

// Tells `out` what changed, writes comparison.json beside the run's run.json,
// and returns the exit code of both: `run_exit`, unless that says less.
// Another kernel is what baselines are for; what else differs is refused.
int CompareWithBaseline(const RunDone& done, const BaselineOptions& options,
                        Exit run_exit, std::FILE* out);

}  // namespace oomgate
