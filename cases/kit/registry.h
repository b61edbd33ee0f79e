// SPDX-License-Identifier: Apache-2.0
// All cases of this program, and their instances.
#pragma once

#include <vector>

#include "oomgate/case.h"

namespace oomgate {

// Sorted by id.
const std::vector<Case>& AllCases();

// Every combination of the parameters, in the order of their values; one empty
// instance for a case without parameters.
std::vector<Params> InstancesOf(const Case& definition);

// What one instance needs.
Needs NeedsOf(const Case& definition, const Params& params);

}  // namespace oomgate
