// SPDX-License-Identifier: Apache-2.0
// What a machine was found to be unable to tell, by metric.
#pragma once

#include <map>
#include <string>

#include "runner/compare/calibration.h"
#include "runner/compare/side.h"

namespace oomgate {

struct Noise {
  double floor = 0;            // a share: no smaller shift counts
  bool informational = false;  // never a finding: too noisy to see 25 %
};

using NoiseByMetric = std::map<Slot, std::map<std::string, Noise>>;

// Where several kernels were calibrated, the noisiest.
NoiseByMetric NoiseOf(const Calibration& calibration);

}  // namespace oomgate
