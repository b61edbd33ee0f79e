// SPDX-License-Identifier: Apache-2.0
// Bisection of a line of things, good at its beginning and bad at its end, some
// of which cannot be judged. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "runner/bisect/answer.h"

namespace oomgate {

// The last good and the first bad; what lies between was skipped.
struct Border {
  std::size_t good = 0;
  std::size_t bad = 0;
  std::vector<std::size_t> skipped = {};
};

// Number `n` of the line; `left`: about how many more will be asked for.
using TryOne = std::function<BisectAnswer(std::size_t n, int left)>;

// Of `count` >= 2 things: number 0 is good, the last is bad; neither is asked
// for, nor is any other one twice.
Border FindBorder(std::size_t count, const TryOne& attempt);

}  // namespace oomgate
