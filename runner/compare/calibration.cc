// SPDX-License-Identifier: Apache-2.0
// The same samples are halved again and again, each adjacent pair by lot: what
// differs then is noise.
#include "runner/compare/calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <tuple>

#include "runner/compare/change_points.h"
#include "runner/compare/mann_whitney.h"
#include "runner/compare/power.h"
#include "runner/compare/shift.h"

namespace oomgate {
namespace {

constexpr int kHalvings = 500;
constexpr double kAlpha = .01;

using Values = std::span<const double>;

double Autocorrelation(Values samples) {
  double mean = 0;
  for (const double x : samples)
    mean += x / static_cast<double>(samples.size());
  double together = 0;
  double alone = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    alone += (samples[i] - mean) * (samples[i] - mean);
    if (i == 0) continue;
    together += (samples[i] - mean) * (samples[i - 1] - mean);
  }
  return alone == 0 ? 0 : together / alone;
}

// By the rule of the metric's kind, without a noise floor.
bool IsFinding(const Guard& guard, Values base, Values candidate,
               double shift) {
  if (!guard.noisy) {
    return std::abs(shift) >
           std::max(guard.distance, guard.share * std::abs(Median(base)));
  }
  if (std::abs(shift) <= guard.share * std::abs(Median(base))) return false;
  // Both directions would be findings: each is a try.
  return 2 * (shift > 0 ? RankTestLarger(base, candidate)
                        : RankTestLarger(candidate, base)) <
         kAlpha;
}

// Sets noise_floor and false_alarms.
void Halve(Values samples, std::uint32_t seed, CalibratedMetric& metric) {
  const std::size_t pairs = samples.size() / 2;
  const Guard guard = GuardOf(metric.metric);
  std::mt19937 random(seed);
  std::vector<double> base(pairs);
  std::vector<double> candidate(pairs);
  std::vector<double> shifts;
  int findings = 0;
  for (int halving = 0; halving < kHalvings; ++halving) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::size_t first = random() >> 31;
      base[i] = samples[2 * i + first];
      candidate[i] = samples[2 * i + 1 - first];
    }
    const double shift = Shift(base, candidate);
    findings += IsFinding(guard, base, candidate, shift);
    shifts.push_back(std::abs(shift));
  }
  const auto rank = shifts.begin() + kHalvings * 99 / 100;
  std::nth_element(shifts.begin(), rank, shifts.end());
  if (*rank > 0) metric.noise_floor = *rank / std::abs(metric.median);
  metric.false_alarms = static_cast<double>(findings) / kHalvings;
}

// Of what has no noise of its own: the gate, or what it strays by all the same.
double SmallestChange(const CalibratedMetric& metric, Values samples) {
  const Guard guard = GuardOf(metric.metric);
  const auto [low, high] = std::ranges::minmax(samples);
  const double median = std::abs(metric.median);
  if (guard.noisy) {
    return std::max({guard.share, metric.noise_floor,
                     SmallestDetectable(metric.spread, metric.samples / 2)});
  }
  const double distance = std::max(guard.distance, high - low);
  return distance == 0 ? guard.share : std::max(guard.share, distance / median);
}

}  // namespace

CalibratedMetric Calibrate(const Metric& metric, Values samples,
                           std::uint32_t seed) {
  CalibratedMetric calibrated;
  calibrated.metric = metric;
  calibrated.samples = static_cast<int>(samples.size());
  calibrated.median = Median(samples);
  calibrated.spread = CoefficientOfVariation(samples);
  calibrated.autocorrelation = Autocorrelation(samples);
  Halve(samples, seed, calibrated);
  const double smallest = SmallestChange(calibrated, samples);
  calibrated.smallest_detectable = std::isfinite(smallest) ? smallest : -1;
  // Not so NaN, of a metric that is mostly 0: nothing can be said of it.
  calibrated.informational = !(smallest <= kInformational);
  return calibrated;
}

Calibration CalibrationOf(std::span<const Run> runs, std::uint32_t seed) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  struct Found {
    Metric metric;
    std::vector<double> samples;
  };
  std::map<Key, Found> found;
  for (const Run& run : runs) {
    for (const Result& result : run.results) {
      const auto declared = run.metrics.find(result.id);
      if (declared == run.metrics.end() || result.verdict != Verdict::kPass) {
        continue;
      }
      for (const Metric& metric : declared->second) {
        const auto value = result.metrics.find(metric.name);
        if (value == result.metrics.end()) continue;
        Found& samples = found[{ToText(InstanceName{result.id, result.params}),
                                result.shape, result.kernel, metric.name}];
        samples.metric = metric;
        samples.samples.push_back(value->second);
      }
    }
  }
  Calibration calibration;
  calibration.pairs = static_cast<int>(runs.size() / 2);
  calibration.seed = seed;
  if (!runs.empty()) {
    calibration.oomgate = runs.front().oomgate;
    calibration.started = runs.front().started;
  }
  for (const auto& [key, samples] : found) {
    if (samples.samples.size() < 2) continue;
    CalibratedMetric metric = Calibrate(samples.metric, samples.samples, seed);
    std::tie(metric.instance, metric.shape, metric.kernel, std::ignore) = key;
    calibration.metrics.push_back(std::move(metric));
  }
  return calibration;
}

}  // namespace oomgate
