// SPDX-License-Identifier: Apache-2.0
// Trends of metrics over many runs, for a person and for a program.
#pragma once

#include <cstdio>
#include <vector>

#include "runner/compare/change_points.h"
#include "runner/compare/history.h"

namespace oomgate {

struct Trend {
  const Series* series = nullptr;
  std::vector<ChangePoint> changes;
};

// Series with change points, the largest first, each with a line that draws it
// (`all`: those without, too); at last how many there are.
void PrintHistory(std::FILE* out, const History& history,
                  std::vector<Trend> trends, bool all);

// The same whole, with every value: one series a line.
void PrintHistoryJson(std::FILE* out, const History& history,
                      const std::vector<Trend>& trends);

}  // namespace oomgate
