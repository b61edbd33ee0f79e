// SPDX-License-Identifier: Apache-2.0
// A calibration as a table.
#pragma once

#include <string>

#include "runner/compare/calibration.h"

namespace oomgate {

// One line per metric that is noisy, or should not be and is; how many others
// there are is said at the end.
std::string CalibrationTable(const Calibration& calibration);

}  // namespace oomgate
