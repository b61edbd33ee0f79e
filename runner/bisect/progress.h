// SPDX-License-Identifier: Apache-2.0
// How far a bisect is, for somebody who waits. Pure.
#pragma once

#include <string>
#include <vector>

#include "runner/bisect/trial.h"

namespace oomgate {

// "step 3 of about 7, 40 min left": `done` steps of these lengths are over, one
// begins, and about `after` follow it (less than 0: not known).
std::string ProgressText(const std::vector<double>& done, int after);

// How many halvings it takes to leave one of `candidates`.
int Halvings(std::size_t candidates);

}  // namespace oomgate
