// SPDX-License-Identifier: Apache-2.0
// One step of a bisect: a kernel or a set of settings, and what was seen.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "oomgate/model/run.h"
#include "runner/bisect/answer.h"
#include "runner/run_cases.h"

namespace oomgate {

// A line of a bisect's log.
struct Trial {
  std::string key;    // what was tried: a commit, a release, settings
  std::string title;  // more of it, for a reader
  StepOutcome outcome = {};
  double seconds = 0;                 // all of it, the build included
  std::string build = {};             // what it said, below the bisect's folder
  std::string run = {};               // the run's folder, likewise
  std::optional<Result> result = {};  // without console; none: it did not run
};

// Ctrl-C: the log has what was finished.
struct Interrupted {};

// What a run left.
struct OneRun {
  Run run;
  std::filesystem::path folder;
  const Result& result() const { return run.results.front(); }
};

// Runs the one instance of `options` in the one place that it fits, and keeps
// the console whatever the verdict. A guest that does not boot is tried twice.
// Throws Interrupted, UserError, HarnessError.
OneRun RunOnce(RunOptions options, const std::string& what);

// As the log keeps it: the console stands in the run's folder.
Result WithoutConsole(Result result);

// Throws UserError unless `pattern` means exactly one instance.
void CheckOneInstance(const std::string& pattern);

}  // namespace oomgate
