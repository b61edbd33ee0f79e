// SPDX-License-Identifier: Apache-2.0
// Collects the facts of a place (oomgate/facts.h).
#pragma once

#include "cases/kit/box.h"
#include "oomgate/facts.h"

namespace oomgate {

Facts CollectFacts(const BoxView& box);

}  // namespace oomgate
