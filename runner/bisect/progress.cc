// SPDX-License-Identifier: Apache-2.0
// The steps to come take as long as those before, on average.
#include "runner/bisect/progress.h"

#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <numeric>

namespace oomgate {
namespace {

std::string DurationText(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  if (seconds < 1.5 * kMinute) return fmt::format("{:.0f} s", seconds);
  if (seconds < 1.5 * kHour)
    return fmt::format("{:.0f} min", seconds / kMinute);
  return fmt::format("{:.1f} h", seconds / kHour);
}

}  // namespace

std::string ProgressText(const std::vector<double>& done, int after) {
  const int step = static_cast<int>(done.size()) + 1;
  if (after < 0) return fmt::format("step {}", step);
  std::string text = fmt::format("step {} of about {}", step, step + after);
  if (done.empty()) return text;
  const double mean = std::accumulate(done.begin(), done.end(), 0.0) /
                      static_cast<double>(done.size());
  return fmt::format("{}, {} left", text, DurationText(mean * (after + 1)));
}

int Halvings(std::size_t candidates) {
  return candidates < 2 ? 0 : static_cast<int>(std::bit_width(candidates - 1));
}

}  // namespace oomgate
