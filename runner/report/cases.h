// SPDX-License-Identifier: Apache-2.0
// The catalogue as text: `oomgate list` and `oomgate explain`.
#pragma once

#include <string>

#include "runner/catalogue.h"
#include "runner/this_machine.h"

namespace oomgate {

// {"cases":[{"id":…,"summary":…,"blast":…,"params":{"touch":["read",…]},
// "instances":["pages/zero_page[touch=read]",…],…}]}
std::string ListJson(const Catalogue& cases);

// A table; `all` to say what is not shown.
std::string ListText(const Catalogue& cases, const Catalogue& all);

// Promise, needs, parameters, metrics, and the places that can run it.
std::string ExplainText(const CaseInfo& info, const Machine& machine);

}  // namespace oomgate
