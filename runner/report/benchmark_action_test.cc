// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "oomgate/model/json.h"
#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(BenchmarkAction, OneDirectionAFile) {
  oomgate::Run run = EveryVerdict();
  Metric& faults = run.metrics["pages/pass"][0];
  faults.kind = Kind::kBounded;
  faults.tolerance = 64;
  const Reported reported = ToReport({run, run});
  const Json smaller = Json::parse(ToBenchmarkAction(reported));
  ASSERT_EQ(smaller.size(), 2U);  // of the passes only
  EXPECT_EQ(smaller[0],
            (Json{{"name", "pages/pass[stride=2m] faults (vm-256m-1cpu)"},
                  {"unit", "count"},
                  {"value", 51200},
                  {"range", "± 64"},
                  {"extra", "kernel 6.1.0-cloud\nbounded"}}));
  EXPECT_EQ(smaller[1]["name"],
            "pages/pass[stride=2m] faults (vm-256m-1cpu) #2");
  const Json bigger = Json::parse(ToBenchmarkActionBigger(ToReport({run})));
  ASSERT_EQ(bigger.size(), 1U);
  EXPECT_EQ(bigger[0]["name"], "pages/pass[stride=2m] cost (vm-256m-1cpu)");
  EXPECT_EQ(bigger[0]["value"], 0.5);
}

}  // namespace
}  // namespace oomgate
