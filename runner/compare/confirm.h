// SPDX-License-Identifier: Apache-2.0
// Findings on trial: what fresh samples do not show again was luck.
#pragma once

#include <string>
#include <vector>

#include "runner/compare/comparison.h"

namespace oomgate {

// The instances with a finding, to be run again: names without repetition.
std::vector<std::string> Flagged(const Comparison& comparison);

// A finding of `first` stays where `again`, made of new samples of what was
// flagged, judges the same. Where that says EQUIVALENT, so it is; else
// INCONCLUSIVE.
void Confirm(Comparison& first, const Comparison& again);

}  // namespace oomgate
