// SPDX-License-Identifier: Apache-2.0
// Loads the baselines that fit what ran, and compares.
#include "runner/against_baseline.h"

#include <fmt/core.h>

#include "runner/compare/load.h"
#include "runner/compare/sides.h"
#include "runner/kernel/file.h"
#include "runner/report/comparison.h"
#include "runner/report/text.h"

namespace oomgate {

void CheckBaseline(const BaselineOptions& options) {
  if (options.path.empty()) return;
  for (const auto& file : FindRuns(options.path)) LoadRun(file);
}

int CompareWithBaseline(const RunDone& done, const BaselineOptions& options,
                        Exit run_exit, std::FILE* out) {
  if (options.path.empty() || run_exit == kExitInterrupted ||
      run_exit == kExitNothingRan) {
    return run_exit;
  }
  Side candidate;
  candidate.Add(done.run);
  CompareOptions compare = options.compare;
  compare.across.insert(Matter::kKernel);
  try {
    Comparison comparison =
        Compare(LoadBase(options.path, RanIn(done.run)), candidate, compare);
    comparison.base = options.path;
    comparison.candidate = done.run_json.string();
    SaveBytes(done.run_json.parent_path() / "comparison.json",
              ComparisonJson(comparison));
    fmt::print(out, "\n{}", ComparisonText(comparison));
    const int exit = ExitCodeOf(comparison, options.fail_on);
    // A finding counts, even beside what nothing is known of.
    const bool says_less = run_exit == kExitOk ||
                           (run_exit == kExitHarness && exit == kExitFailure);
    return says_less ? exit : run_exit;
  } catch (const UserError& error) {
    if (run_exit == kExitOk) throw;
    // What the run found must not be hidden behind that.
    fmt::print(stderr, "oomgate: {}", PrintableLines(error.what(), ""));
    return run_exit;
  }
}

}  // namespace oomgate
