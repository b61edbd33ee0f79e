// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <sstream>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(Lava, ACaseAndAMeasurementEach) {
  EXPECT_EQ(
      ToLava(ToReport(
          {SampleRun({Verdict::kFail, Verdict::kKnown, Verdict::kSkip})})),
      "<LAVA_SIGNAL_TESTSET START vm-256m-1cpu.6.1.0-cloud>\n"
      "# vm-256m-1cpu.pages.fail.stride-2m: wanted one got two\n"
      "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=vm-256m-1cpu.pages.fail.stride-2m "
      "RESULT=fail>\n"
      "<LAVA_SIGNAL_TESTCASE "
      "TEST_CASE_ID=vm-256m-1cpu.pages.fail.stride-2m.cost RESULT=fail "
      "MEASUREMENT=0.5 UNITS=s>\n"
      "<LAVA_SIGNAL_TESTCASE "
      "TEST_CASE_ID=vm-256m-1cpu.pages.fail.stride-2m.faults RESULT=fail "
      "MEASUREMENT=51200 UNITS=count>\n"
      "# vm-256m-1cpu.pages.known.stride-2m: wanted one got two\n"
      "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=vm-256m-1cpu.pages.known.stride-2m "
      "RESULT=pass>\n"
      "<LAVA_SIGNAL_TESTCASE "
      "TEST_CASE_ID=vm-256m-1cpu.pages.known.stride-2m.cost RESULT=pass "
      "MEASUREMENT=0.5 UNITS=s>\n"
      "<LAVA_SIGNAL_TESTCASE "
      "TEST_CASE_ID=vm-256m-1cpu.pages.known.stride-2m.faults RESULT=pass "
      "MEASUREMENT=51200 UNITS=count>\n"
      "# vm-256m-1cpu.pages.skip.stride-2m: wanted one got two\n"
      "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=vm-256m-1cpu.pages.skip.stride-2m "
      "RESULT=skip>\n"
      "<LAVA_SIGNAL_TESTSET STOP>\n");
}

// It splits at blanks, each part at its one '=', and refuses an id twice.
TEST(Lava, EveryLineIsOneSignalOrACommentAndEveryIdUnique) {
  const std::regex signal(
      "<LAVA_SIGNAL_(TESTSET (STOP|START [-.\\w]+)|"
      "TESTCASE TEST_CASE_ID=([-.\\w]+) RESULT=(pass|fail|skip)"
      "( MEASUREMENT=[-+.\\de]+( UNITS=[-.\\w]+)?)?)>");
  const oomgate::Run hostile = HostileRun();
  std::istringstream text(ToLava(ToReport({hostile, hostile})));
  std::set<std::string> ids;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# ")) {
      EXPECT_EQ(line.find('<'), std::string::npos) << line;
      continue;
    }
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(line, parts, signal)) << line;
    if (!parts[3].matched) continue;
    EXPECT_TRUE(ids.insert(parts[3]).second) << line;
  }
  EXPECT_EQ(ids.size(), 24U);
}

}  // namespace
}  // namespace oomgate
