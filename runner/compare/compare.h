// SPDX-License-Identifier: Apache-2.0
// Compares two sides: what changed, and whether that is real. Pure.
#pragma once

#include "runner/compare/comparison.h"
#include "runner/compare/noise.h"
#include "runner/compare/side.h"
#include "runner/compare/time_change.h"

namespace oomgate {

struct CompareOptions {
  Across across = {};
  double gate = .01;         // of instructions, as a share
  NoiseByMetric noise = {};  // of times, where it was measured
  Look look = Look::kOnly;   // at times
};

// Throws UserError with the list of differences where `options.across` does not
// allow all of them, or where there is nothing that both sides have.
Comparison Compare(const Side& base, const Side& candidate,
                   const CompareOptions& options);

// What makes a comparison fail.
struct FailOn {
  bool regressed = true;
  bool changed = false;       // includes regressed
  bool inconclusive = false;  // exit 3 where nothing else fails
};

// 0, 1 or 3: kExitOk, kExitFailure, kExitInconclusive.
int ExitCodeOf(const Comparison& comparison, const FailOn& fail_on);

}  // namespace oomgate
