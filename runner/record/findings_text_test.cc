// SPDX-License-Identifier: Apache-2.0
#include "runner/record/findings_text.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

Result Failed() {
  Result result;
  result.verdict = Verdict::kFail;
  result.reason = "the judge's sentence";
  result.checks = {{"lock", "grown", "8 MiB", "4 MiB"},
                   {"", "end", "exited 0", "OOM-killed"}};
  result.also = {{kLeftBehind, "Shmem +4096 kB"}};
  return result;
}

TEST(WhyNoPass, IsMadeOfWhatWasFound) {
  EXPECT_EQ(WhyNoPass(Failed()),
            "lock: grown is 8 MiB, expected 4 MiB; end is exited 0, expected "
            "OOM-killed; left behind: Shmem +4096 kB");
  EXPECT_EQ(WhyNoPass(Failed(), 1),
            "lock: grown is 8 MiB, expected 4 MiB (and 1 more); left behind: "
            "Shmem +4096 kB");
}

TEST(WhyNoPass, IsTheReasonWhereNothingElseSaysWhy) {
  Result result = Failed();
  result.checks.clear();
  result.also.clear();
  EXPECT_EQ(WhyNoPass(result), "the judge's sentence");
  // What stopped the judging is in none of its findings.
  Result broken = Failed();
  broken.verdict = Verdict::kBroken;
  EXPECT_EQ(WhyNoPass(broken), "the judge's sentence");
}

}  // namespace
}  // namespace oomgate
