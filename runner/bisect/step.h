// SPDX-License-Identifier: Apache-2.0
// One step of `git bisect run`: builds what is checked out, runs one instance
// on it, says good, bad or skip.
#pragma once

#include <string>
#include <vector>

#include "runner/bisect/answer.h"
#include "runner/run_cases.h"

namespace oomgate {

struct StepOptions {
  // Its pattern is the instance, its kernel a file or folder that `build`
  // makes, its results the bisect's folder.
  RunOptions run;
  std::string build;  // for sh(1); "": the kernel is there
  int build_seconds = 7200;
  int confirm = 0;  // runs more, that must all answer alike
  // What it costs instead of how it ends: "" or a metric, and by which share
  // worse than in `baseline` is bad.
  std::string metric;
  double worse_than = 0;
  std::string baseline;
  std::vector<std::string> to_repeat = {};  // options, as typed
};

// Tells stdout what goes on. Throws Interrupted, UserError, HarnessError where
// a next step would not help.
BisectAnswer BisectStep(const StepOptions& options);

}  // namespace oomgate
