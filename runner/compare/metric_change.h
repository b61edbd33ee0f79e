// SPDX-License-Identifier: Apache-2.0
// Whether a metric that has no noise of its own changed: counts, counts with a
// tolerance, instructions. Times are in time_change.h.
#pragma once

#include <span>
#include <string>

#include "runner/compare/comparison.h"

namespace oomgate {

using Values = std::span<const double>;  // never empty here

// Before, now and how they relate, not yet judged.
MetricChange Measured(const Metric& metric, Values base, Values candidate);

// kExact: one value that the base has not is a finding.
// kBounded: so is a distance beyond the tolerance.
// kInstructions: so are medians that are `gate` (a share) or more apart.
// A base whose own values lie further apart than that proves nothing.
MetricChange JudgeMetric(const Metric& metric, Values base, Values candidate,
                         double gate);

// REGRESSED, IMPROVED, or CHANGED where neither way is better.
Judgement FindingOf(Better better, bool more);

}  // namespace oomgate
