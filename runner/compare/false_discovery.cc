// SPDX-License-Identifier: Apache-2.0
// Benjamini & Hochberg 1995, as adjusted p values.
#include "runner/compare/false_discovery.h"

#include <algorithm>
#include <numeric>

namespace oomgate {

std::vector<double> FalseDiscoveryAdjusted(std::span<const double> ps) {
  std::vector<std::size_t> order(ps.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return ps[i]; });
  std::vector<double> adjusted(ps.size());
  double smallest = 1;
  for (std::size_t rank = ps.size(); rank > 0; --rank) {
    const std::size_t i = order[rank - 1];
    smallest = std::min(smallest, ps[i] * ps.size() / rank);
    adjusted[i] = smallest;
  }
  return adjusted;
}

}  // namespace oomgate
