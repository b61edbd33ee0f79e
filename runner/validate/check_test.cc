// SPDX-License-Identifier: Apache-2.0
#include "runner/validate/check.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "runner/validate/twin.h"
#include "runner/validate/validation.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using State = Checked::State;
using testing::HasSubstr;

// Stands for "/".
class Host : public testing::Test {
 protected:
  Host()
      : root_(fs::path(testing::TempDir()) /
              ("host" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
  }
  ~Host() override { fs::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void AddProcess(const std::string& pid, const std::string& parent,
                  const std::string& adj) {
    Write("proc/" + pid + "/comm", "postgres\n");
    Write("proc/" + pid + "/status",
          "Name:\tpostgres\nPPid:\t" + parent + "\n");
    Write("proc/" + pid + "/oom_score_adj", adj + "\n");
  }
  State KnobState(const KnobCheck& knob) {
    return CheckKnob({}, expectation_, knob, root_).state;
  }
  fs::path root_;
  Expectation expectation_{.name = "n", .remedy = "r"};
};

TEST_F(Host, KnobsHoldOrDoNotOrAreNotThere) {
  const KnobCheck knob{"/proc/sys/vm/x", "", {Wanted::Kind::kEquals, {"1"}, 0}};
  EXPECT_EQ(KnobState(knob), State::kSkipped);
  Write("proc/sys/vm/x", "1\n");
  EXPECT_EQ(KnobState(knob), State::kOk);
  Write("proc/sys/vm/x", "2\n");
  EXPECT_EQ(KnobState(knob), State::kFail);
  expectation_.warning = true;
  EXPECT_EQ(KnobState(knob), State::kWarning);
  KnobCheck needed = knob;
  needed.path = "/proc/sys/vm/y";
  needed.must_exist = true;
  EXPECT_EQ(KnobState(needed), State::kWarning);
}

TEST_F(Host, FieldsAreFoundByTheirWholeName) {
  Write("proc/meminfo", "SwapTotalX:  9 kB\nSwapTotal:       0 kB\n");
  EXPECT_EQ(
      KnobState({"/proc/meminfo", "SwapTotal", {Wanted::Kind::kAtMost, {}, 0}}),
      State::kOk);
}

TEST_F(Host, LeadersAndChildrenAreToldApart) {
  AddProcess("10", "1", "-1000");
  AddProcess("11", "10", "-1000");
  AddProcess("12", "10", "0");
  const ProcessCheck leader{"postgres",
                            ProcessCheck::Which::kLeader,
                            "oom_score_adj",
                            "",
                            {Wanted::Kind::kEquals, {"-1000"}, 0}};
  EXPECT_EQ(CheckProcesses({}, expectation_, leader, root_).state, State::kOk);
  ProcessCheck children = leader;
  children.which = ProcessCheck::Which::kChildren;
  children.wanted = {Wanted::Kind::kAtLeast, {}, -999};
  const Checked checked = CheckProcesses({}, expectation_, children, root_);
  EXPECT_EQ(checked.state, State::kFail);
  EXPECT_THAT(checked.evidence, HasSubstr("postgres 11"));
  children.process = "java";
  EXPECT_EQ(CheckProcesses({}, expectation_, children, root_).state,
            State::kSkipped);
}

TEST_F(Host, ATwinHasItsSettingsAndSaysWhatIsScaled) {
  Write("proc/meminfo", "MemTotal: 8388608 kB\nSwapTotal: 4194304 kB\n");
  Write("proc/sys/kernel/osrelease", "6.5.0-generic\n");
  Write("proc/sys/vm/overcommit_memory", "2\n");
  Write("proc/sys/vm/overcommit_ratio", "0\n");
  Write("proc/sys/vm/overcommit_kbytes", "1600000\n");
  Write("proc/cmdline", "quiet numa_balancing=disable root=/dev/vda\n");
  Write("sys/kernel/mm/transparent_hugepage/enabled",
        "always madvise [never]\n");
  const Twin twin = TwinOf({"5.10.0-1", "6.1.0-2", "6.12.0-3"}, 512_MiB, root_);
  EXPECT_EQ(twin.kernel, "6.1.0-2");
  EXPECT_EQ(twin.memory, "512m");
  EXPECT_EQ(twin.swap, "256m");
  EXPECT_EQ(twin.append,
            "numa_balancing=disable transparent_hugepage=never "
            "sysctl.vm.overcommit_memory=2 sysctl.vm.overcommit_kbytes=100000");
  EXPECT_THAT(twin.scaled, testing::Contains(HasSubstr("6.1.0-2 instead of")));
}

TEST(Fleet, HasALineForEachCheckAndAColumnForEachHost) {
  Validation a{.host = "one", .checks = {{"redis", "mode", State::kOk}}};
  Validation b{
      .host = "two",
      .checks = {{"redis", "mode", State::kFail}, {"jvm", "heap", State::kOk}}};
  const std::string text = FleetText({a, b});
  EXPECT_THAT(text, HasSubstr("redis: mode  OK        FAIL"));
  EXPECT_THAT(text, HasSubstr("jvm: heap    -         OK"));
}

}  // namespace
}  // namespace oomgate
