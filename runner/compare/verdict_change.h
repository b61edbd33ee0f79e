// SPDX-License-Identifier: Apache-2.0
// Whether the verdicts of one instance got worse, by samples of two sides.
#pragma once

#include "runner/compare/comparison.h"

namespace oomgate {

// Every verdict that is not the same is a change; pass, known, fail, lost are
// worse in this order, and a skip cannot be ranked.
VerdictChange JudgeVerdicts(const Slot& slot, const Samples& base,
                            const Samples& candidate);

// "pass"; "4 pass, 1 fail" of several samples that differ.
std::string VerdictsText(const std::map<Verdict, int>& verdicts);

}  // namespace oomgate
