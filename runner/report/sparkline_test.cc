// SPDX-License-Identifier: Apache-2.0
#include "runner/report/sparkline.h"

#include <gtest/gtest.h>

#include <vector>

namespace oomgate {
namespace {

using Values = std::vector<double>;

TEST(Sparkline, ReachesFromTheLowestToTheHighest) {
  EXPECT_EQ(Sparkline(Values{0, 1, 2, 3, 4, 5, 6, 7}, 40), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline(Values{1000, 1000, 1001}, 40), "▁▁█");
}

TEST(Sparkline, OneLevelIsFlat) {
  EXPECT_EQ(Sparkline(Values{5, 5, 5}, 40), "▁▁▁");
  EXPECT_EQ(Sparkline(Values{}, 40), "");
}

TEST(Sparkline, LongSeriesAreMediansOfNeighbours) {
  Values values(1000, 1);
  for (int i = 500; i < 1000; ++i) values[i] = 2;
  values[100] = 9000;  // an outlier hides nothing
  EXPECT_EQ(Sparkline(values, 4), "▁▁██");
}

}  // namespace
}  // namespace oomgate
