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

TEST(Formats, ShowWhatAFailureFound) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings(), SampleFindings(Verdict::kKnown)};
  for (const Format& format : Formats()) {
    const std::string name = format.name;
    if (name.starts_with("benchmark-action") || name == "openmetrics") continue;
    const std::string text = format.text(ToReport({run}));
    for (const char* found :
         {"lock twice", "grown", "8 MiB", "4 MiB", "exited 0", "left behind",
          "+4096 kB", "at mm/mlock.c:1", "lock on fault"}) {
      EXPECT_THAT(text, HasSubstr(found)) << name;
    }
  }
}

TEST(Formats, ShowWhatAPassLeftOut) {
  oomgate::Run run = SampleRun({Verdict::kPass});
  run.results[0].left_out = {{"lock on fault", "needs kernel 4.4"}};
  for (const char* name :
       {"junit", "ktap", "markdown", "ctrf", "lava", "kcidb"}) {
    for (const Format& format : Formats()) {
      if (format.name != std::string(name)) continue;
      const std::string text = format.text(ToReport({run}));
      EXPECT_THAT(text, HasSubstr("lock on fault")) << name;
      EXPECT_THAT(text, HasSubstr("needs kernel 4.4")) << name;
    }
  }
}

}  // namespace
}  // namespace oomgate
