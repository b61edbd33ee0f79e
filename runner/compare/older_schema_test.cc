// SPDX-License-Identifier: Apache-2.0
// Files of schema 1: what was blessed or run before checks were structured is
// good for everything that it was good for.
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "runner/compare/baseline.h"
#include "runner/compare/compare.h"
#include "runner/compare/load.h"
#include "runner/compare/sides.h"
#include "runner/compare/test_runs.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::SizeIs;

auto OldRun() {
  oomgate::Run run = TestRun();
  run.schema = 1;
  AddResult(run, "a/one", {{"count", 3}});
  AddResult(run, "a/two");
  return run;
}

struct OlderSchema : testing::Test {
  fs::path root =
      fs::path(testing::TempDir()) / ("older." + std::to_string(::getpid()));
  OlderSchema() { fs::create_directories(root); }
  ~OlderSchema() override { fs::remove_all(root); }
  std::string Write(const std::string& name, const oomgate::Run& run) const {
    std::ofstream(root / name) << ToJsonText(Baseline{"", "", run});
    return (root / name).string();
  }
};

TEST_F(OlderSchema, IsComparedWithThisOne) {
  oomgate::Run now = OldRun();
  now.schema = kSchema;
  now.results[0].left_out = {{"lock on fault", "needs 4.4"}};
  now.results[1].verdict = Verdict::kFail;
  now.results[1].reason = "one sentence";
  now.results[1].checks = {{"lock", "grown", "8 MiB", "4 MiB"}};
  const Sides sides =
      LoadSides(Write("old.json", OldRun()), {Write("new.json", now)});
  const Comparison c = Compare(sides.base, sides.candidate, {});
  ASSERT_THAT(c.verdicts, SizeIs(2));
  EXPECT_EQ(c.verdicts[0].judgement, Judgement::kRegressed);
  EXPECT_EQ(c.verdicts[0].checks, now.results[1].checks);
  // What it does not say of its steps is no change of them.
  EXPECT_EQ(c.verdicts[1].judgement, Judgement::kEquivalent);
}

TEST_F(OlderSchema, ItsReasonIsShownAsItStands) {
  oomgate::Run now = OldRun();
  now.results[0].verdict = Verdict::kFail;
  now.results[0].reason = "left behind: x; expected (y); but it exited 0";
  const Sides sides =
      LoadSides(Write("old.json", OldRun()), {Write("new.json", now)});
  EXPECT_EQ(Compare(sides.base, sides.candidate, {}).verdicts.at(0).reason,
            now.results[0].reason);
}

TEST_F(OlderSchema, BaselinesInTheTreeAreAsBlessWritesThem) {
  int files = 0;
  for (const fs::path& file :
       FindRuns(OOMGATE_SOURCE_DIR "/results/baselines")) {
    ++files;
    EXPECT_EQ(ToJsonText(LoadBaseline(file)), LoadBytes(file)) << file;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace oomgate
