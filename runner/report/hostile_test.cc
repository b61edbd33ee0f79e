// SPDX-License-Identifier: Apache-2.0
// Text that would do something comes out as text, in every format.
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "oomgate/model/json.h"
#include "runner/record/record.h"
#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

class HostileText : public testing::TestWithParam<Format> {
 protected:
  const std::string text_ = GetParam().text(ToReport({HostileRun()}));

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::istringstream in(text_);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
};

TEST_P(HostileText, IsThere) {
  EXPECT_NE(text_.find("pwned"), std::string::npos);
}

TEST_P(HostileText, MovesNoCursorAndIsUtf8) {
  EXPECT_TRUE(AsUtf8(text_) == text_);
  for (const char c : text_) {
    EXPECT_TRUE(c == '\n' ||
                (static_cast<unsigned char>(c) >= ' ' && c != 0x7f))
        << static_cast<int>(c);
  }
  for (const char* odd :
       {"\xc2\x9b", "\xef\xbf\xbf", "\xe2\x80\xae", "\xe2\x80\xa8"}) {
    EXPECT_EQ(text_.find(odd), std::string::npos);
  }
}

TEST_P(HostileText, IsNoCommandOfAnyLog) {
  EXPECT_EQ(text_.find("##["), std::string::npos);
  const std::regex own("::(error|warning) title=[^:,\n]+::[^\n]+");
  for (const std::string& line : Lines()) {
    const std::size_t colons = line.find("::");
    if (colons == std::string::npos) continue;
    const bool graphic = std::any_of(
        line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colons),
        [](char c) { return c > ' ' && c < 0x7f; });
    EXPECT_TRUE(graphic || (GetParam().name == std::string("github") &&
                            std::regex_match(line, own)))
        << line;
  }
}

TEST_P(HostileText, AddsNoLineToFormatsOfLines) {
  const std::string name = GetParam().name;
  if (name == "ktap" || name == "lava" || name == "openmetrics" ||
      name == "benchmark-action") {
    oomgate::Run plain = EveryVerdict();
    for (Result& result : plain.results) {
      result.metrics = {{"faults", 1}};
      result.reason = "one line";
      result.checks = {{"step", "value", "1", "2"}};
      result.also = {{kTaint, "512"}, {kLeftBehind, "Shmem +4 kB"}};
      result.left_out = {{"step", "reason"}};
    }
    const std::string same = GetParam().text(ToReport({plain}));
    // A failed or skipped test has its reason in a line of its own, or not.
    EXPECT_EQ(std::ranges::count(text_, '\n'), std::ranges::count(same, '\n'));
  }
}

TEST_P(HostileText, ClosesNoScript) {
  const std::string name = GetParam().name;
  // Their markup stands in code, where it is text: see markdown_test.cc.
  if (name == "markdown" || name == "github" || name == "ktap" ||
      name == "openmetrics") {
    return;
  }
  EXPECT_EQ(text_.find("<script"), std::string::npos);
  EXPECT_EQ(text_.find("</script"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Formats, HostileText, testing::ValuesIn([] {
                           std::vector<Format> formats;
                           for (const Format& format : Formats()) {
                             // No metric of the run is the better the higher:
                             // see its own test.
                             if (format.text != ToBenchmarkActionBigger)
                               formats.push_back(format);
                           }
                           return formats;
                         }()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace oomgate
