// SPDX-License-Identifier: Apache-2.0
#include "runner/report/formats.h"

#include <gmock/gmock.h>

#include <map>

#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

using testing::HasSubstr;
using testing::Not;

// What a reader of the format takes for a failure.
const std::map<std::string, std::string> kRed = {
    {"junit", "<error message="},
    {"ktap", "    not ok 1 run\n"},
    {"markdown", "### broken: "},
    {"github", "::error title=broken"},
    {"ctrf", "\"status\": \"failed\""},
    {"openmetrics", "oomgate_results{verdict=\"broken\"} 1"},
    {"lava", "RESULT=fail"},
    {"kcidb", "\"status\": \"ERROR\""}};

TEST(Formats, NothingRanIsSaidAndNotGreen) {
  oomgate::Run none = SampleRun({});
  oomgate::Run skipped = SampleRun({Verdict::kSkip, Verdict::kSkip});
  skipped.results[1].shape = "";
  for (const oomgate::Run& run : {none, skipped}) {
    for (const Format& format : Formats()) {
      const std::string text = format.text(ToReport({run}));
      const auto red = kRed.find(format.name);
      if (red == kRed.end()) {
        EXPECT_EQ(text, "[]\n") << "which the action reports as an error";
        continue;
      }
      EXPECT_THAT(text, HasSubstr(red->second)) << format.name;
      if (format.text == ToLava) continue;  // has no room for reasons
      EXPECT_THAT(text, testing::ContainsRegex("nothing[ -]ran"))
          << format.name;
    }
  }
}

TEST(Formats, CutOffIsNotGreen) {
  oomgate::Run interrupted = SampleRun({Verdict::kPass});
  interrupted.interrupted = true;
  oomgate::Run cut_off = SampleRun({Verdict::kPass});
  cut_off.finished = "";
  for (const oomgate::Run& run : {interrupted, cut_off}) {
    for (const auto& [name, red] : kRed) {
      for (const Format& format : Formats()) {
        if (format.name != name) continue;
        EXPECT_THAT(format.text(ToReport({run})), HasSubstr(red)) << name;
      }
    }
  }
}

TEST(Formats, KnownAndSkippedBesideAPassAreGreen) {
  const Reported reported =
      ToReport({SampleRun({Verdict::kPass, Verdict::kKnown, Verdict::kSkip})});
  for (const Format& format : Formats()) {
    const std::string text = format.text(reported);
    EXPECT_THAT(text,
                Not(testing::ContainsRegex("not ok|=fail|<failure|<error"
                                           "|\"status\": \"failed\"|::error")))
        << format.name;
  }
}

TEST(Formats, EveryFindingIsRed) {
  for (const Verdict verdict :
       {Verdict::kFail, Verdict::kLost, Verdict::kBroken}) {
    const Reported reported = ToReport({SampleRun({verdict})});
    EXPECT_THAT(ToJunit(reported),
                testing::ContainsRegex("<(failure|error) message="));
    EXPECT_THAT(ToKtap(reported), HasSubstr("\nnot ok 1 "));
    EXPECT_THAT(ToGithub(reported), HasSubstr("::error title="));
    EXPECT_THAT(ToCtrf(reported), HasSubstr("\"failed\": 1"));
    EXPECT_THAT(ToLava(reported), HasSubstr("RESULT=fail"));
    EXPECT_THAT(ToKcidb(reported),
                testing::ContainsRegex("\"status\": \"(FAIL|ERROR)\""));
    EXPECT_EQ(ToBenchmarkAction(reported), "[]\n");
  }
}

}  // namespace
}  // namespace oomgate
