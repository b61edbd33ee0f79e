// SPDX-License-Identifier: Apache-2.0
// The kernel's parser reads it in ci/checks/reports.sh.
#include <gmock/gmock.h>

#include "runner/report/formats.h"
#include "runner/report/sample_test.h"

namespace oomgate {
namespace {

TEST(Ktap, ASubtestPerPlaceAndALinePerInstance) {
  oomgate::Run run = SampleRun(
      {Verdict::kPass, Verdict::kKnown, Verdict::kSkip, Verdict::kFail});
  for (Result& result : run.results) result.metrics.clear();
  EXPECT_EQ(ToKtap(ToReport({run})),
            "KTAP version 1\n"
            "1..1\n"
            "    KTAP version 1\n"
            "    # Subtest: vm-256m-1cpu, 6.1.0-cloud\n"
            "    1..4\n"
            "    ok 1 pages/pass[stride=2m]\n"
            "    # reason: wanted one got two\n"
            "    ok 2 pages/known[stride=2m] # XFAIL known\n"
            "    ok 3 pages/skip[stride=2m] # SKIP wanted one got two\n"
            "    # verdict: fail\n"
            "    # ended: oom-killed\n"
            "    # reason: wanted one got two\n"
            "    not ok 4 pages/fail[stride=2m]\n"
            "not ok 1 vm-256m-1cpu, 6.1.0-cloud\n");
}

TEST(Ktap, ALineForWhateverWasFound) {
  oomgate::Run run = SampleRun({});
  run.results = {SampleFindings()};
  run.results[0].metrics.clear();
  EXPECT_THAT(ToKtap(ToReport({run})),
              testing::HasSubstr(
                  "    # ended: oom-killed\n"
                  "    # check: lock twice: grown is 8 MiB, expected 4 MiB\n"
                  "    # check: end is exited 0, expected OOM-killed\n"
                  "    # found: left behind: Shmem +4096 kB\n"
                  "    # found: kernel warning: WARNING: CPU: 0 PID: 7 at "
                  "mm/mlock.c:1\n"
                  "    # left out: lock on fault: needs kernel 4.4, has 4.3\n"
                  "    not ok 1 pages/fail[stride=2m]\n"));
}

TEST(Ktap, NoTextEndsTheLogOrAddsADirective) {
  oomgate::Run run = SampleRun({Verdict::kFail});
  run.results[0].id = "pages/x # SKIP y";
  run.results[0].reason = "Kernel panic - not syncing: VFS: no root";
  const std::string text = ToKtap(ToReport({run}));
  EXPECT_THAT(text, testing::HasSubstr("not ok 1 pages/x \\x23 SKIP y[stride"));
  EXPECT_THAT(text, testing::HasSubstr("not syncing: VFS\\x3a no root"));
}

}  // namespace
}  // namespace oomgate
