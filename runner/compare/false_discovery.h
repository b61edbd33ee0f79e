// SPDX-License-Identifier: Apache-2.0
// Many tests at once (Benjamini-Hochberg): of what is called a change, only the
// wanted share may be none.
#pragma once

#include <span>
#include <vector>

namespace oomgate {

// Each p, in the order given, as the smallest false discovery rate at which it
// is still rejected: compare it with the wanted rate. Never below the p itself.
std::vector<double> FalseDiscoveryAdjusted(std::span<const double> ps);

}  // namespace oomgate
