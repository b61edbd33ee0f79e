// SPDX-License-Identifier: Apache-2.0
// Both schemas are checked by ci/checks/reports.sh.
#include <gmock/gmock.h>

#include <pugixml.hpp>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(Junit, CountsAndOutcomes) {
  pugi::xml_document document;
  ASSERT_TRUE(
      document.load_string(ToJunit(ToReport({EveryVerdict()})).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  EXPECT_STREQ(suite.attribute("name").value(), "vm-256m-1cpu, 6.1.0-cloud");
  EXPECT_EQ(suite.attribute("tests").as_int(), 6);
  EXPECT_EQ(suite.attribute("failures").as_int(), 2);
  EXPECT_EQ(suite.attribute("errors").as_int(), 1);
  EXPECT_EQ(suite.attribute("skipped").as_int(), 2);
  EXPECT_STREQ(suite.attribute("timestamp").value(), "2026-01-31T12:00:00");
  const auto test = [&](const char* name) {
    return suite.find_child_by_attribute(
        "testcase", "name", (std::string("pages/") + name).c_str());
  };
  EXPECT_TRUE(test("pass[stride=2m]"));
  EXPECT_FALSE(test("pass[stride=2m]").first_child());
  EXPECT_STREQ(
      test("known[stride=2m]").child("skipped").attribute("message").value(),
      "known: wanted one got two");
  EXPECT_TRUE(test("lost[stride=2m]").child("failure"));
  EXPECT_TRUE(test("broken[stride=2m]").child("error"));
  const pugi::xml_node failure = test("fail[stride=2m]").child("failure");
  EXPECT_STREQ(failure.attribute("message").value(), "wanted one got two");
  EXPECT_THAT(failure.text().get(), testing::HasSubstr("got two"));
  EXPECT_THAT(failure.text().get(), testing::HasSubstr("again: oomgate run"));
}

TEST(Junit, AFailureHasItsChecksAsATable) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(ToJunit(ToReport({run})).c_str()));
  const pugi::xml_node failure = document.child("testsuites")
                                     .child("testsuite")
                                     .child("testcase")
                                     .child("failure");
  EXPECT_STREQ(failure.attribute("message").value(),
               "lock twice: grown is 8 MiB, expected 4 MiB; end is exited 0, "
               "expected OOM-killed; left behind: Shmem +4096 kB; kernel "
               "warning: WARNING: CPU: 0 PID: 7 at mm/mlock.c:1");
  EXPECT_THAT(failure.text().get(),
              testing::HasSubstr("    lock twice       grown   8 MiB      "
                                 "expected 4 MiB\n"));
}

TEST(Junit, HostileTextIsReadBackAsText) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(ToJunit(ToReport({HostileRun()})).c_str()));
  const pugi::xml_node suites = document.child("testsuites");
  int tests = 0;
  for (const pugi::xml_node suite : suites) {
    EXPECT_STREQ(suite.name(), "testsuite");
    for (const pugi::xml_node test : suite.children("testcase")) {
      ++tests;
      EXPECT_THAT(test.attribute("name").value(),
                  testing::HasSubstr("</script>"));
    }
  }
  EXPECT_EQ(tests, 6);
}

}  // namespace
}  // namespace oomgate
