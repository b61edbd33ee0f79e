// SPDX-License-Identifier: Apache-2.0
// Eight heights of Unicode's block elements.
#include "runner/report/sparkline.h"

#include <algorithm>
#include <vector>

#include "runner/compare/shift.h"

namespace oomgate {

std::string Sparkline(std::span<const double> values, std::size_t width) {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄",
                                            "▅", "▆", "▇", "█"};
  const std::size_t columns = std::min(width, values.size());
  std::vector<double> heights;
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t begin = i * values.size() / columns;
    const std::size_t end = (i + 1) * values.size() / columns;
    heights.push_back(Median(values.subspan(begin, end - begin)));
  }
  if (heights.empty()) return "";
  const auto [low, high] = std::ranges::minmax(heights);
  std::string line;
  for (const double height : heights) {
    line +=
        kBlocks[high == low
                    ? 0
                    : static_cast<int>((height - low) / (high - low) * 7 + .5)];
  }
  return line;
}

}  // namespace oomgate
