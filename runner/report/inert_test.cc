// SPDX-License-Identifier: Apache-2.0
#include "runner/report/inert.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

TEST(InertLine, NoCommandsOfLogs) {
  EXPECT_EQ(InertLine("::error::x"), ":\\x3aerror::x");
  EXPECT_EQ(InertLine(" \t\xc2\xa0::error::x"),
            "  \xc2\xa0:\\x3a"
            "error::x");
  EXPECT_EQ(InertLine("std::string"), "std::string");
  EXPECT_EQ(InertLine("a ##[error]"), "a #\\x23[error]");
  EXPECT_EQ(InertLine("####"), "#\\x23#\\x23");
  EXPECT_EQ(InertLine("# 1"), "# 1");
}

TEST(InertLine, NoOddCharacters) {
  EXPECT_EQ(InertLine("a\xe2\x80\xae"
                      "b\xef\xbf\xbf é €"),
            "a\\u202eb\\uffff é €");
  EXPECT_EQ(InertLine("a\nb"), "a\\nb");
}

TEST(InertLines, KeepsLines) {
  EXPECT_EQ(InertLines("a\r\n\n::b\x1b\n\n"),
            "a\n\n:\\x3a"
            "b\\x1b");
  EXPECT_EQ(InertLines(""), "");
}

TEST(Inert, EveryTextAndEveryName) {
  oomgate::Run run;
  run.finished = "\x1b";
  run.metrics["\x1b"] = {Metric{"\x1b"}};
  Result& result = run.results.emplace_back();
  result.id = result.reason = "a\nb";
  result.metrics = {{"\x1b", 1}};
  result.checks = {{"a\nb", "\x1b", "", ""}};
  result.left_out = {{"a", "a\nb"}};
  const oomgate::Run inert = Inert(run);
  EXPECT_EQ(inert.finished, "\\x1b");
  EXPECT_EQ(inert.metrics.at("\\x1b")[0].name, "\\x1b");
  EXPECT_EQ(inert.results[0].id, "a\\nb");
  EXPECT_EQ(inert.results[0].reason, "a\nb");
  EXPECT_EQ(inert.results[0].checks[0],
            (FailedCheck{"a\\nb", "\\x1b", "", ""}));
  EXPECT_EQ(inert.results[0].left_out[0], (LeftOut{"a", "a\\nb"}));
  EXPECT_EQ(inert.results[0].metrics.at("\\x1b"), 1);
}

TEST(InertJson, FitsIntoAPage) {
  const Json value = {{"a", "</script>"}};
  EXPECT_EQ(InertJson(value), "{\n  \"a\": \"\\u003c/script>\"\n}\n");
  EXPECT_EQ(Json::parse(InertJson(value)), value);
}

}  // namespace
}  // namespace oomgate
