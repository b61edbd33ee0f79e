// SPDX-License-Identifier: Apache-2.0
// Always the one nearest to the middle that was not skipped.
#include "runner/bisect/halving.h"

#include <optional>
#include <set>

#include "runner/bisect/progress.h"

namespace oomgate {
namespace {

std::optional<std::size_t> NearestToMiddle(
    const Border& border, const std::set<std::size_t>& skipped) {
  const std::size_t middle = (border.good + border.bad) / 2;
  for (std::size_t away = 0; away <= border.bad - border.good; ++away) {
    for (const std::size_t n : {middle + away, middle - away}) {
      if (n > border.good && n < border.bad && !skipped.contains(n)) return n;
    }
  }
  return std::nullopt;
}

}  // namespace

Border FindBorder(std::size_t count, const TryOne& attempt) {
  Border border{.good = 0, .bad = count - 1};
  std::set<std::size_t> skipped;
  while (const auto n = NearestToMiddle(border, skipped)) {
    const int left = Halvings(border.bad - border.good) - 1;
    switch (attempt(*n, left < 0 ? 0 : left)) {
      case BisectAnswer::kGood:
        border.good = *n;
        break;
      case BisectAnswer::kBad:
        border.bad = *n;
        break;
      case BisectAnswer::kSkip:
        skipped.insert(*n);
        break;
    }
  }
  for (std::size_t n = border.good + 1; n < border.bad; ++n) {
    border.skipped.push_back(n);
  }
  return border;
}

}  // namespace oomgate
