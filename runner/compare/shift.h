// SPDX-License-Identifier: Apache-2.0
// How far one sample lies above another (Hodges-Lehmann): the effect beside the
// rank test's p.
#pragma once

#include <span>

namespace oomgate {

// Of an even number of values, the mean of the middle two; 0 of none.
double Median(std::span<const double> values);

// The median of all differences candidate - base: positive where the candidate
// is larger. 0 where a sample is empty.
double Shift(std::span<const double> base, std::span<const double> candidate);

// The same as a share of the base's median: .03 is 3 % more. Infinite where the
// base's median is 0 and there is a shift.
double RelativeShift(std::span<const double> base,
                     std::span<const double> candidate);

}  // namespace oomgate
