// SPDX-License-Identifier: Apache-2.0
// All cases that there are, as `oomgate-cases --list` tells them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oomgate/model/case_info.h"

namespace oomgate {

using Catalogue = std::vector<CaseInfo>;

// Asks the program. Throws HarnessError where it fails or is not understood.
Catalogue LoadCatalogue(const std::string& cases_program);

// Reads its answer: a JSON array of CaseInfo. Throws HarnessError.
Catalogue ReadCatalogue(std::string_view json);

}  // namespace oomgate
