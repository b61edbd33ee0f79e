// SPDX-License-Identifier: Apache-2.0
// Its schema is checked by ci/checks/reports.sh.
#include <gtest/gtest.h>

#include "oomgate/model/json.h"
#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(Ctrf, SummaryAndTests) {
  const Json report = Json::parse(ToCtrf(ToReport({EveryVerdict()})));
  EXPECT_EQ(report["reportFormat"], "CTRF");
  const Json& summary = report["results"]["summary"];
  EXPECT_EQ(summary["tests"], 6);
  EXPECT_EQ(summary["passed"], 1);
  EXPECT_EQ(summary["failed"], 3);
  EXPECT_EQ(summary["skipped"], 1);
  EXPECT_EQ(summary["other"], 1);
  EXPECT_EQ(summary["start"], 1769860800000);
  EXPECT_EQ(summary["stop"], 1769860809000);
  const Json& known = report["results"]["tests"][1];
  EXPECT_EQ(known["name"], "pages/known[stride=2m]");
  EXPECT_EQ(known["status"], "other");
  EXPECT_EQ(known["rawStatus"], "known");
  EXPECT_EQ(known["duration"], 1250);
  EXPECT_EQ(known["message"], "wanted one\ngot two");
  EXPECT_EQ(known["extra"]["metrics"]["faults"], 51200);
}

TEST(Ctrf, WhatWasFoundIsStructured) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  const Json report = Json::parse(ToCtrf(ToReport({run})));
  const Json& extra = report["results"]["tests"][0]["extra"];
  EXPECT_EQ(extra["checks"][0]["expected"], "4 MiB");
  EXPECT_EQ(extra["also"][0]["text"], "Shmem +4096 kB");
  EXPECT_EQ(extra["left_out"][0]["step"], "lock on fault");
}

TEST(Ctrf, ARunThatWasCutOffDoesNotStopBeforeItStarts) {
  oomgate::Run run = EveryVerdict();
  run.finished = "";
  const Json report = Json::parse(ToCtrf(ToReport({run})));
  EXPECT_EQ(report["results"]["summary"]["stop"], 1769860800000);
}

}  // namespace
}  // namespace oomgate
