// SPDX-License-Identifier: Apache-2.0
// The smallest set of changes that does it: delta debugging (ddmin, Zeller
// 1999). Pure.
#pragma once

#include <functional>
#include <vector>

#include "runner/bisect/answer.h"

namespace oomgate {

// Changes by number, ascending.
using Changes = std::vector<int>;

// What these changes alone do; `left`: about how many more will be asked for.
using TryChanges =
    std::function<BisectAnswer(const Changes& changes, int left)>;

// Of `count` changes that together are bad, and good without any: a set that
// is bad, and of which no single one can be taken away. `skip` counts as not
// bad. No set is asked for twice.
Changes SmallestBadSet(int count, const TryChanges& attempt);

}  // namespace oomgate
