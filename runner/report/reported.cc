// SPDX-License-Identifier: Apache-2.0
// Joins runs; what went wrong with one as a whole outlives the joining.
#include "runner/report/reported.h"

#include <fmt/core.h>

#include <algorithm>

#include "runner/exit_code.h"
#include "runner/report/inert.h"

namespace oomgate {
namespace {

// "" where nothing is wrong with the run as a whole.
std::string ProblemOf(const Run& run) {
  if (run.interrupted) {
    return "interrupted: not every planned instance has a result";
  }
  if (run.finished.empty()) {
    return "not finished: the run goes on, or it was cut off";
  }
  if (ExitCodeOf(run, false) != kExitNothingRan) return "";
  if (run.results.empty()) return "nothing ran: there is no result";
  return fmt::format("nothing ran: all of {} skipped", run.results.size());
}

// The worst of all runs is the first that one of them has.
constexpr const char* kVerdicts[] = {"fail", "broken", "interrupted",
                                     "nothing-ran", "pass"};
std::size_t RankOf(const Run& run) {
  Run over = run;
  over.interrupted = false;
  switch (ExitCodeOf(over, false)) {
    case kExitFailure:
      return 0;
    case kExitHarness:
      return 1;
    case kExitNothingRan:
      return run.interrupted || run.finished.empty() ? 2 : 3;
    default:
      return run.interrupted || run.finished.empty() ? 2 : 4;
  }
}

void AddName(std::string& names, const std::string& name) {
  if (names == name) return;
  names += (names.empty() ? "" : "; ") + name;
}

void Append(Run& all, const Run& run) {
  const bool first = all.started.empty();
  all.finished = first ? run.finished : std::max(all.finished, run.finished);
  all.started = first ? run.started : std::min(all.started, run.started);
  AddName(all.oomgate, run.oomgate);
  AddName(all.command, run.command);
  all.interrupted = all.interrupted || run.interrupted;
  all.starts.insert(all.starts.end(), run.starts.begin(), run.starts.end());
  all.metrics.insert(run.metrics.begin(), run.metrics.end());
  all.results.insert(all.results.end(), run.results.begin(), run.results.end());
}

}  // namespace

Reported ToReport(const std::vector<Run>& runs) {
  Reported reported;
  std::size_t rank = std::size(kVerdicts) - 1;
  for (const Run& run : runs) {
    Append(reported.run, Inert(run));
    rank = std::min(rank, RankOf(run));
    if (const std::string problem = ProblemOf(run); !problem.empty()) {
      Result whole;
      whole.id = "run";
      whole.verdict = Verdict::kBroken;
      whole.reason = problem;
      reported.run.results.push_back(whole);
    }
  }
  reported.verdict = kVerdicts[rank];
  return reported;
}

}  // namespace oomgate
