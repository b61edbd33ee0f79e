// SPDX-License-Identifier: Apache-2.0
// Both directions of every metric are tested, so that looking at the data
// before choosing one costs nothing.
#include "runner/compare/time_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runner/compare/calibration.h"
#include "runner/compare/false_discovery.h"
#include "runner/compare/mann_whitney.h"
#include "runner/compare/metric_change.h"
#include "runner/compare/power.h"
#include "runner/compare/shift.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

int FewerSamples(const TimeSamples& time) {
  return static_cast<int>(std::min(time.base.size(), time.candidate.size()));
}

bool Tested(const TimeSamples& time) {
  return FewerSamples(time) >= kFewestPairs && !time.noise.informational;
}

double Variation(const TimeSamples& time) {
  return std::max(CoefficientOfVariation(time.base),
                  CoefficientOfVariation(time.candidate));
}

void Inconclusive(MetricChange& change, const std::string& reason) {
  change.judgement = Judgement::kInconclusive;
  change.reason = reason;
}

// `p` is the smaller of the two directions', corrected unless looked at again.
void Judge(TimeSamples& time, double p, Look look) {
  MetricChange& change = time.change;
  const double guard = std::max(kTimeGuard, time.noise.floor);
  // It takes all pairs of samples: only where it decides.
  if (p < kTimeAlpha) {
    change.relative = RelativeShift(time.base, time.candidate);
  }
  const double shift = change.relative;
  change.smallest_effect =
      std::max(guard, SmallestDetectable(Variation(time), FewerSamples(time)));
  const std::string facts = fmt::format(
      "shift {}, p {:.2g}{}, {} against {} samples", PercentText(shift), p,
      look == Look::kFirst ? " uncorrected" : "", change.samples,
      change.base_samples);
  if (p < kTimeAlpha && std::abs(shift) > guard) {
    change.judgement = FindingOf(change.metric.better, shift > 0);
    change.reason = facts;
  } else if (p < kTimeAlpha || *change.smallest_effect <= kWorthSeeing) {
    change.reason = fmt::format("{}; guard {}", facts, PercentText(guard));
  } else {
    change.pairs_needed = PairsNeeded(Variation(time), kWorthSeeing);
    Inconclusive(change, facts);
  }
}

}  // namespace

void JudgeTimes(std::vector<TimeSamples>& family, Look look) {
  std::vector<double> ps;
  for (const TimeSamples& time : family) {
    if (!Tested(time)) continue;
    ps.push_back(RankTestLarger(time.base, time.candidate));
    ps.push_back(RankTestLarger(time.candidate, time.base));
  }
  const std::vector<double> adjusted =
      look == Look::kFirst ? ps : FalseDiscoveryAdjusted(ps);
  auto next = adjusted.begin();
  for (TimeSamples& time : family) {
    if (time.noise.informational) {
      Inconclusive(time.change,
                   "for information only: too noisy on this machine to show " +
                       PercentText(kInformational));
      continue;
    }
    if (!Tested(time)) {
      time.change.pairs_needed =
          std::max(kFewestPairs, PairsNeeded(Variation(time), kWorthSeeing));
      Inconclusive(time.change,
                   fmt::format("{} against {} samples, a time needs {} a side",
                               time.change.samples, time.change.base_samples,
                               kFewestPairs));
      continue;
    }
    const double p = std::min(next[0], next[1]);
    next += 2;
    Judge(time, p, look);
  }
}

}  // namespace oomgate
