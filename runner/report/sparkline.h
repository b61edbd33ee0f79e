// SPDX-License-Identifier: Apache-2.0
// A series of values as one line of a terminal: "▁▁▂▁▇▇▇".
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace oomgate {

// One block per value, from the lowest to the highest; of more than `width`
// values, the median of as many neighbours as it takes.
std::string Sparkline(std::span<const double> values, std::size_t width);

}  // namespace oomgate
