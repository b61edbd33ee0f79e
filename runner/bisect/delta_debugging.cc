// SPDX-License-Identifier: Apache-2.0
// Parts of the set first, then all but a part, then smaller parts.
#include "runner/bisect/delta_debugging.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "runner/bisect/progress.h"

namespace oomgate {
namespace {

class Minimizer {
 public:
  Minimizer(int count, const TryChanges& attempt)
      : attempt_(attempt), bad_(static_cast<std::size_t>(count)) {
    std::iota(bad_.begin(), bad_.end(), 0);
  }

  Changes Take() {
    std::size_t parts = 2;
    while (bad_.size() > 1) {
      parts = std::min(parts, bad_.size());
      if (ToAPart(parts)) {
        parts = 2;
      } else if (parts > 2 && WithoutAPart(parts)) {
        --parts;
      } else if (parts == bad_.size()) {
        break;
      } else {
        parts *= 2;
      }
    }
    return bad_;
  }

 private:
  // Part `i` of `parts`, as equal as may be.
  Changes Part(std::size_t i, std::size_t parts) const {
    const auto at = [&](std::size_t n) {
      return bad_.begin() +
             static_cast<std::ptrdiff_t>(n * bad_.size() / parts);
    };
    return {at(i), at(i + 1)};
  }

  bool ToAPart(std::size_t parts) {
    for (std::size_t i = 0; i < parts; ++i) {
      if (Replace(Part(i, parts))) return true;
    }
    return false;
  }

  bool WithoutAPart(std::size_t parts) {
    for (std::size_t i = 0; i < parts; ++i) {
      const Changes part = Part(i, parts);
      Changes rest;
      std::ranges::set_difference(bad_, part, std::back_inserter(rest));
      if (Replace(rest)) return true;
    }
    return false;
  }

  bool Replace(const Changes& changes) {
    const auto known = answers_.find(changes);
    if (known == answers_.end()) {
      // With one culprit, either half is asked for at each halving.
      const int left = 2 * Halvings(bad_.size());
      answers_[changes] = attempt_(changes, left);
    }
    if (answers_[changes] != BisectAnswer::kBad) return false;
    bad_ = changes;
    return true;
  }

  const TryChanges& attempt_;
  Changes bad_;
  std::map<Changes, BisectAnswer> answers_;
};

}  // namespace

Changes SmallestBadSet(int count, const TryChanges& attempt) {
  return Minimizer(count, attempt).Take();
}

}  // namespace oomgate
