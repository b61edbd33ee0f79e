// SPDX-License-Identifier: Apache-2.0
#include "runner/report/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomgate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CalibrationTable, ShowsWhatIsNoisyAndCountsTheRest) {
  Calibration calibration;
  calibration.pairs = 10;
  CalibratedMetric time;
  time.instance = "a/b[k=v]";
  time.metric = {.name = "time_ns", .kind = Kind::kTime};
  time.spread = .05;
  time.noise_floor = .04;
  time.smallest_detectable = .09;
  time.false_alarms = .002;
  CalibratedMetric count;
  count.instance = "a/steady";
  CalibratedMetric stray = count;
  stray.instance = "a/stray";
  stray.false_alarms = .3;
  stray.smallest_detectable = -1;
  stray.informational = true;
  calibration.metrics = {time, count, stray};

  const std::string table = CalibrationTable(calibration);
  EXPECT_THAT(table, HasSubstr("a/b[k=v] time_ns     5.0 %   0.00     4.0 %"
                               "     9.0 %   0.2 %\n"));
  EXPECT_THAT(table, HasSubstr("nothing  30.0 %  informational\n"));
  EXPECT_THAT(table, Not(HasSubstr("a/steady")));
  EXPECT_THAT(table, HasSubstr("3 metrics, 10 pairs: 1 informational; 1 always "
                               "within their gate"));
}

}  // namespace
}  // namespace oomgate
