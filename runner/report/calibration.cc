// SPDX-License-Identifier: Apache-2.0
// Columns in the order in which one follows from the other.
#include "runner/report/calibration.h"

#include <fmt/core.h>

#include <algorithm>

#include "runner/report/text.h"

namespace oomgate {
namespace {

std::string Percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string NameOf(const CalibratedMetric& metric) {
  return Printable(metric.instance + " " + metric.metric.name);
}

}  // namespace

std::string CalibrationTable(const Calibration& calibration) {
  std::vector<const CalibratedMetric*> shown;
  for (const CalibratedMetric& metric : calibration.metrics) {
    const bool noisy = metric.metric.kind == Kind::kTime;
    if (noisy || metric.false_alarms > 0) shown.push_back(&metric);
  }
  std::size_t width = 6;
  for (const auto* metric : shown) {
    width = std::max(width, NameOf(*metric).size());
  }
  std::string text;
  if (!shown.empty()) {
    text = fmt::format("{:{}} {:>9} {:>6} {:>9} {:>9} {:>7}\n", "metric", width,
                       "spread", "auto", "floor", "detects", "false");
  }
  int informational = 0;
  for (const auto* metric : shown) {
    informational += metric->informational;
    text += fmt::format("{:{}} {:>9} {:>6.2f} {:>9} {:>9} {:>7}{}\n",
                        NameOf(*metric), width, Percent(metric->spread),
                        metric->autocorrelation, Percent(metric->noise_floor),
                        metric->smallest_detectable < 0
                            ? "nothing"
                            : Percent(metric->smallest_detectable),
                        Percent(metric->false_alarms),
                        metric->informational ? "  informational" : "");
  }
  text += fmt::format(
      "{} metrics, {} pairs: {} informational; {} always within their gate "
      "(not shown)\n",
      calibration.metrics.size(), calibration.pairs, informational,
      calibration.metrics.size() - shown.size());
  return text;
}

}  // namespace oomgate
