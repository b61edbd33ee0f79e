// SPDX-License-Identifier: Apache-2.0
// How noisy each metric is here, from runs that differ in nothing (A/A), and so
// what a comparison on this machine can see.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/run.h"

namespace oomgate {

// A metric that cannot show a quarter more is for information only.
inline constexpr double kInformational = .25;

struct CalibratedMetric {
  std::string instance;  // "cost/x[kind=y]"
  std::string shape;
  std::string kernel;  // release
  Metric metric;
  int samples = 0;
  double median = 0;
  double spread = 0;           // coefficient of variation
  double autocorrelation = 0;  // of a sample with the one before it, -1 … 1
  // Two halves of the same runs lie further apart than this share of their
  // median in one of 100 ways to halve them. The finding needs a larger shift.
  double noise_floor = 0;
  // The smallest share that as many pairs show, nine times of ten; -1: none.
  double smallest_detectable = 0;
  // The share of halvings that would be findings by the metric's own rule,
  // without the noise floor.
  double false_alarms = 0;
  bool informational = false;
};

struct Calibration {
  std::string oomgate;  // program version
  std::string started;  // of the first run
  int pairs = 0;
  std::uint32_t seed = 0;
  std::vector<CalibratedMetric> metrics;  // sorted
};

// Two samples and more of a metric, in the order in which they were taken.
CalibratedMetric Calibrate(const Metric& metric,
                           std::span<const double> samples, std::uint32_t seed);

// All metrics of runs in the order in which they ran.
Calibration CalibrationOf(std::span<const Run> runs, std::uint32_t seed);

// As a file, and back. Reading throws UserError with file and field.
std::string ToJsonText(const Calibration& calibration);
Calibration ParseCalibration(std::string_view text, const std::string& name);

}  // namespace oomgate
