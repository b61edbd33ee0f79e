// SPDX-License-Identifier: Apache-2.0
// Where the level of a series of values changed: by ranks, so that an outlier
// is no change, and beyond a guard, so that a certain trifle is none either.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "oomgate/model/metric.h"

namespace oomgate {

// So many values on either side of a point confirm it.
inline constexpr std::size_t kConfirming = 5;

// What two levels must differ by to be two.
struct Guard {
  double share = 0;     // of the level before
  double distance = 0;  // in the metric's unit
  // Values differ without a cause: only the rank test says what is a level.
  bool noisy = false;
};

// Times 3 %, instructions 1 %, bounded metrics their tolerance, counts nothing.
Guard GuardOf(const Metric& metric);

struct ChangePoint {
  std::size_t at = 0;  // index of the first value of the new level
  double before = 0;   // medians of the levels on either side
  double now = 0;
  double p = 1;           // 0 where a metric without noise says it by itself
  bool confirmed = true;  // else suspect: too few values after it
  bool operator==(const ChangePoint&) const = default;
};

// In order. Each is significant at .01 for its stretch of the series.
std::vector<ChangePoint> FindChangePoints(std::span<const double> values,
                                          const Guard& guard);

}  // namespace oomgate
