// SPDX-License-Identifier: Apache-2.0
// Medians, and the median of all pairwise differences.
#include "runner/compare/shift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace oomgate {
namespace {

double MedianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

double Median(std::span<const double> values) {
  return MedianOf({values.begin(), values.end()});
}

double Shift(std::span<const double> base, std::span<const double> candidate) {
  std::vector<double> differences;
  differences.reserve(base.size() * candidate.size());
  for (const double before : base) {
    for (const double now : candidate) differences.push_back(now - before);
  }
  return MedianOf(std::move(differences));
}

double RelativeShift(std::span<const double> base,
                     std::span<const double> candidate) {
  const double shift = Shift(base, candidate);
  const double median = std::abs(Median(base));
  if (shift == 0) return 0;
  if (median == 0) {
    return std::copysign(std::numeric_limits<double>::infinity(), shift);
  }
  return shift / median;
}

}  // namespace oomgate
