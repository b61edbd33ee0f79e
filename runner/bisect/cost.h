// SPDX-License-Identifier: Apache-2.0
// One metric of one run, beside what it was in a baseline.
#pragma once

#include <optional>
#include <string>

#include "oomgate/model/run.h"
#include "runner/compare/comparison.h"

namespace oomgate {

// Throws UserError where it cannot be read: before a build that takes long.
void CheckCostBaseline(const std::string& baseline);

// Of the only result of `run`; nothing where that measured nothing. Another
// kernel is what it is for; what else differs is refused. Throws UserError,
// also where the baseline has no such metric.
std::optional<MetricChange> CostChange(const Run& run,
                                       const std::string& metric, double gate,
                                       const std::string& baseline);

}  // namespace oomgate
