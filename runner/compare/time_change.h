// SPDX-License-Identifier: Apache-2.0
// Whether noisy metrics changed: all of a comparison at once, as the more of
// them are tested, the more look changed by luck.
#pragma once

#include <vector>

#include "runner/compare/comparison.h"
#include "runner/compare/noise.h"

namespace oomgate {

// No smaller shift counts, however certain.
inline constexpr double kTimeGuard = .03;
// The share of false findings that is accepted.
inline constexpr double kTimeAlpha = .01;
// What a comparison should be able to see to call two sides equivalent.
inline constexpr double kWorthSeeing = .10;

struct TimeSamples {
  MetricChange change;  // as Measured
  std::vector<double> base;
  std::vector<double> candidate;
  Noise noise = {};
};

// How much luck is allowed for.
enum class Look {
  kOnly,   // what is found is told: p is corrected for all that are tested
  kFirst,  // what is found will be measured again: p as it is
};

// A finding needs both: the exact one-sided rank test, and a shift
// (Hodges-Lehmann) beyond kTimeGuard and the noise floor. Where neither a
// change nor its absence can be shown: INCONCLUSIVE, with what could have been
// seen.
void JudgeTimes(std::vector<TimeSamples>& family, Look look);

}  // namespace oomgate
