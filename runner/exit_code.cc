// SPDX-License-Identifier: Apache-2.0
// Verdicts to exit code.
#include "runner/exit_code.h"

#include <algorithm>

namespace oomgate {

Exit ExitCodeOf(const Run& run, bool require) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::any_of(
        run.results, [&](const Result& r) { return r.verdict == verdict; });
  };
  if (run.interrupted) return kExitInterrupted;
  if (any(Verdict::kFail) || any(Verdict::kLost)) return kExitFailure;
  if (any(Verdict::kBroken)) return kExitHarness;
  if (require && any(Verdict::kSkip)) return kExitFailure;
  if (std::ranges::all_of(run.results, [](const Result& r) {
        return r.verdict == Verdict::kSkip;
      })) {
    return kExitNothingRan;
  }
  return kExitOk;
}

}  // namespace oomgate
