// SPDX-License-Identifier: Apache-2.0
// All cases of this program, and their instances.
#pragma once

#include <string>
#include <vector>

#include "oomgate/case.h"

namespace oomgate {

// Sorted by id.
const std::vector<Case>& AllCases();

// What is wrong with a declaration in `file`: an id that is not its path below
// cases/, or characters that a test filter would take for its own. "" if none.
std::string MistakeIn(const Case& definition, const std::string& file);

// Of all that were registered, a line each.
const std::string& Mistakes();

// Every combination of the parameters, in the order of their values; one empty
// instance for a case without parameters.
std::vector<Params> InstancesOf(const Case& definition);

// What one instance needs, by the case and its parameters; without the oracle.
InstanceInfo InstanceOf(const Case& definition, const Params& params);

}  // namespace oomgate
