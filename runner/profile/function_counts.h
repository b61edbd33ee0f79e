// SPDX-License-Identifier: Apache-2.0
// From what QEMU's plugin counted, by address, to counts by function.
#pragma once

#include <string_view>

#include "oomgate/model/profile.h"
#include "runner/profile/symbols.h"

namespace oomgate {

// Fills scope and functions from the plugin's file (runner/vm/plugin); false
// where that is not whole.
bool CountFunctions(std::string_view counts, const Symbols& symbols,
                    Profile& profile);

}  // namespace oomgate
