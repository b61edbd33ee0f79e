// SPDX-License-Identifier: Apache-2.0
// A parser of others reads it in ci/checks/reports.sh.
#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <sstream>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

using testing::HasSubstr;

TEST(Openmetrics, WhatThereIsToScrape) {
  const std::string text = ToOpenmetrics(ToReport({EveryVerdict()}));
  EXPECT_THAT(text, HasSubstr("oomgate_run{verdict=\"fail\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("oomgate_results{verdict=\"lost\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("oomgate_metric{case=\"pages/pass\",params=\"stride=2m\","
                      "shape=\"vm-256m-1cpu\",kernel=\"6.1.0-cloud\","
                      "metric=\"faults\",unit=\"count\",kind=\"exact\","
                      "better=\"lower\"} 51200\n"));
  EXPECT_TRUE(text.ends_with("} 1.25\n# EOF\n") || text.ends_with("\n# EOF\n"));
}

TEST(Openmetrics, EverySampleIsOneLineAndUnique) {
  const std::regex sample(
      "oomgate_[a-z_]+\\{([a-z]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\",?)+\\} "
      "[-+.\\de]+");
  const oomgate::Run run = EveryVerdict();
  for (const Reported& reported :
       {ToReport({HostileRun()}), ToReport({run, run, run})}) {
    std::istringstream text(ToOpenmetrics(reported));
    std::set<std::string> samples;
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("# ")) continue;
      EXPECT_TRUE(std::regex_match(line, sample)) << line;
      const std::string name = line.substr(0, line.rfind(' '));
      EXPECT_TRUE(samples.insert(name).second) << line;
    }
  }
}

}  // namespace
}  // namespace oomgate
