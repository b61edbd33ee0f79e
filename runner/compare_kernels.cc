// SPDX-License-Identifier: Apache-2.0
// One guest at a time: two would disturb each other's times.
#include "runner/compare_kernels.h"

#include "runner/compare/confirm.h"
#include "runner/report/quiet.h"

namespace oomgate {
namespace {

Comparison ComparisonOf(const AbPairs& pairs, CompareOptions compare) {
  Side a;
  Side b;
  for (const Run& run : pairs.a) a.Add(run);
  for (const Run& run : pairs.b) b.Add(run);
  compare.across.insert(Matter::kKernel);
  return Compare(a, b, compare);
}

}  // namespace

std::optional<Comparison> CompareKernels(const AbOptions& options,
                                         const CompareOptions& compare) {
  RunOptions a = options.run;
  a.guest_wanted = true;
  if (!a.jobs) a.jobs = 1;
  RunOptions b = a;
  a.kernel = options.kernel_a;
  b.kernel = options.kernel_b;
  const RunOne run_one = [](const RunOptions& run, const std::string& what) {
    QuietReport report(stderr, what);
    return RunCases(run, report).run;
  };
  const AbPairs first = RunPairs(a, b, options.plan, run_one);
  if (first.interrupted) return std::nullopt;
  CompareOptions suspecting = compare;
  suspecting.look = Look::kFirst;
  Comparison comparison = ComparisonOf(first, suspecting);
  const std::vector<std::string> flagged = Flagged(comparison);
  if (!flagged.empty()) {
    PairPlan fresh = options.plan;
    ++fresh.seed;
    const AbPairs again = ConfirmPairs(a, b, flagged, fresh, run_one);
    if (again.interrupted) return std::nullopt;
    Confirm(comparison, ComparisonOf(again, compare));
  }
  comparison.base = options.kernel_a;
  comparison.candidate = options.kernel_b;
  return comparison;
}

}  // namespace oomgate
