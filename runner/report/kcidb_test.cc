// SPDX-License-Identifier: Apache-2.0
// Its schema is checked by ci/checks/reports.sh.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "oomgate/model/json.h"
#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

Json Submission(const std::vector<Run>& runs) {
  return Json::parse(ToKcidb(ToReport(runs)));
}

TEST(Kcidb, TestsOfABuildOfACheckout) {
  const Json submission = Submission({EveryVerdict()});
  ASSERT_EQ(submission["builds"].size(), 1U);
  EXPECT_EQ(submission["builds"][0]["id"], "oomgate:6.1.0-cloud");
  EXPECT_EQ(submission["builds"][0]["checkout_id"],
            submission["checkouts"][0]["id"]);
  std::string statuses;
  for (const Json& test : submission["tests"]) {
    statuses += test["status"].get<std::string>() + " ";
    EXPECT_EQ(test["build_id"], "oomgate:6.1.0-cloud");
    EXPECT_EQ(test["waived"], test["misc"]["verdict"] == "known");
  }
  EXPECT_EQ(statuses, "PASS FAIL SKIP FAIL ERROR FAIL ");
  const Json& test = submission["tests"][0];
  EXPECT_EQ(test["path"], "oomgate.pages.pass.stride-2m");
  EXPECT_EQ(test["start_time"], "2026-01-31T12:00:00Z");
  EXPECT_EQ(test["environment"]["misc"]["accelerator"], "tcg");
}

TEST(Kcidb, WhatWasFoundIsStructured) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  const Json test = Submission({run})["tests"][0];
  EXPECT_EQ(test["misc"]["checks"][0]["value"], "grown");
  EXPECT_EQ(test["misc"]["also"].size(), 2U);
  EXPECT_EQ(test["misc"]["left_out"].size(), 1U);
}

TEST(Kcidb, IdsAreOfThisRun) {
  const auto id = [](const Json& submission, std::size_t test) {
    return submission["tests"][test]["id"].get<std::string>();
  };
  const Json once = Submission({EveryVerdict()});
  EXPECT_EQ(id(once, 0), id(Submission({EveryVerdict()}), 0));
  EXPECT_NE(id(once, 0), id(once, 1));
  oomgate::Run other = EveryVerdict();
  other.results[5].seconds += 1;
  EXPECT_NE(id(once, 0), id(Submission({other}), 0));
}

TEST(Kcidb, HostileNamesFitThePatterns) {
  const std::regex id("[a-z0-9_]+:.*");  // no line break
  const Json submission = Submission({HostileRun()});
  ASSERT_FALSE(submission["tests"].empty());
  for (const Json& test : submission["tests"]) {
    EXPECT_TRUE(std::regex_match(test["id"].get<std::string>(), id));
    EXPECT_TRUE(std::regex_match(test["build_id"].get<std::string>(), id));
    EXPECT_TRUE(std::regex_match(test["path"].get<std::string>(),
                                 std::regex("[.a-zA-Z0-9_-]*")));
  }
}

}  // namespace
}  // namespace oomgate
