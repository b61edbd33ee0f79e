// SPDX-License-Identifier: Apache-2.0
// What the outside knows of the cases: `oomgate-cases --list`.
#pragma once

#include <string>
#include <vector>

#include "oomgate/case.h"

namespace oomgate {

// A JSON array of CaseInfo (oomgate/model/case_info.h).
std::string ListAsJson(const std::vector<Case>& cases);

}  // namespace oomgate
