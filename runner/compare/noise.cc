// SPDX-License-Identifier: Apache-2.0
// A calibration, as comparisons ask for it.
#include "runner/compare/noise.h"

#include <algorithm>

namespace oomgate {

NoiseByMetric NoiseOf(const Calibration& calibration) {
  NoiseByMetric noise;
  for (const CalibratedMetric& metric : calibration.metrics) {
    Noise& known = noise[{metric.instance, metric.shape}][metric.metric.name];
    known.floor = std::max(known.floor, metric.noise_floor);
    known.informational = known.informational || metric.informational;
  }
  return noise;
}

}  // namespace oomgate
