// SPDX-License-Identifier: Apache-2.0
#include "runner/validate/probe.h"

#include <gtest/gtest.h>

namespace oomgate {
namespace {

Result Probed(Verdict verdict) {
  Result result;
  result.id = "a/fork";
  result.verdict = verdict;
  result.shape = "host";
  result.end = "exited 0";
  result.values = {{"fork_errno", 12}, {"peak_rss", 4096}};
  return result;
}

TEST(EvidenceOf, APassIsWhatItMeasured) {
  Result pass = Probed(Verdict::kPass);
  EXPECT_EQ(EvidenceOf(pass), "a/fork on host: exited 0, fork_errno 12");
  pass.left_out = {{"fork twice", "needs swap"}};
  EXPECT_EQ(EvidenceOf(pass),
            "a/fork on host: exited 0, fork_errno 12; left out: fork twice: "
            "needs swap");
}

TEST(EvidenceOf, AFailureIsWhatDidNotHold) {
  Result fail = Probed(Verdict::kFail);
  fail.reason = "one sentence";
  fail.checks = {{"fork", "errno", "12", "0"}};
  fail.also = {{kLeftBehind, "Shmem +4 kB"}};
  EXPECT_EQ(EvidenceOf(fail),
            "a/fork on host: exited 0; fork: errno is 12, expected 0; left "
            "behind: Shmem +4 kB");
}

TEST(EvidenceOf, ALostOneIsItsReason) {
  Result lost = Probed(Verdict::kLost);
  lost.end = "";
  lost.values.clear();
  lost.reason = "the judge hung and was killed";
  EXPECT_EQ(EvidenceOf(lost), "a/fork on host: the judge hung and was killed");
}

}  // namespace
}  // namespace oomgate
