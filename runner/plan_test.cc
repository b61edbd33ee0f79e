// SPDX-License-Identifier: Apache-2.0
#include "runner/plan.h"

#include <gmock/gmock.h>

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

CaseInfo Case(const std::string& id, Blast blast, const Needs& needs = {}) {
  CaseInfo info;
  info.id = id;
  info.blast = blast;
  info.instances.resize(1);
  info.instances[0].needs = needs;
  return info;
}

PlanOptions On(std::vector<Place> places) {
  PlanOptions options;
  options.places = std::move(places);
  options.machine = {.cpus = 2,
                     .nodes = 1,
                     .memory = 8_GiB,
                     .available = 6_GiB,
                     .swap = 0_B,
                     .cgroup = 1};
  return options;
}

// "shape: instances", one per group.
std::vector<std::string> Text(const Plan& plan) {
  std::vector<std::string> groups;
  for (const OrderGroup& group : plan.groups) {
    std::string text = ToText(group.shape) + ":";
    for (const Order& order : group.orders) text += " " + ToText(order.name);
    groups.push_back(text);
  }
  return groups;
}

TEST(MakePlan, WithoutAStepOnlyCasesThatHaveIt) {
  CaseInfo with = Case("a/with", Blast::kProcess);
  with.steps = {"lock", "lock twice"};
  PlanOptions options = On({Place::kHost});
  options.without = "lock twice";
  const Plan plan = MakePlan({with, Case("a/other", Blast::kProcess)}, options);
  ASSERT_THAT(plan.groups, SizeIs(1));
  ASSERT_THAT(plan.groups[0].orders, SizeIs(1));
  EXPECT_EQ(plan.groups[0].orders[0].without, "lock twice");
  EXPECT_EQ(JudgeOrderOf(plan.groups[0].orders[0]).without, "lock twice");
  ASSERT_THAT(plan.skipped, SizeIs(1));
  EXPECT_EQ(plan.skipped[0].id, "a/other");
  EXPECT_EQ(plan.skipped[0].reason, "has no step 'lock twice'");
}

TEST(MakePlan, ASettingThatIsLeftAloneIsNotMadeToHold) {
  Needs needs;
  needs.settings = {{"/proc/sys/vm/panic_on_oom", "1"},
                    {"/proc/sys/vm/swappiness", "0"}};
  PlanOptions options = On({Place::kVm});
  options.without = "/proc/sys/vm/panic_on_oom";
  const Plan plan = MakePlan({Case("a/with", Blast::kProcess, needs),
                              Case("a/other", Blast::kProcess)},
                             options);
  ASSERT_THAT(plan.groups, SizeIs(1));
  EXPECT_EQ(plan.groups[0].settings,
            (std::vector<Setting>{{"/proc/sys/vm/swappiness", "0"}}));
  EXPECT_THAT(plan.skipped, SizeIs(1));
}

TEST(MakePlan, ASettingOfTheUserIsAddedToTheNeeds) {
  PlanOptions options = On({Place::kHost, Place::kVm});
  options.settings = {{"/proc/sys/vm/a", "2"}};
  Needs needs;
  needs.settings = {{"/proc/sys/vm/b", "1"}};
  const Plan plan = MakePlan({Case("a/p", Blast::kProcess, needs)}, options);
  ASSERT_THAT(plan.groups, SizeIs(2));
  EXPECT_THAT(plan.groups[0].settings, IsEmpty());
  EXPECT_THAT(plan.groups[0].shown, IsEmpty());
  EXPECT_THAT(plan.groups[1].settings,
              ElementsAre(Setting{"/proc/sys/vm/b", "1"},
                          Setting{"/proc/sys/vm/a", "2"}));
  EXPECT_THAT(plan.groups[1].shown, ElementsAre("/proc/sys/vm/a"));
}

TEST(MakePlan, ASettingOfTheUserThatANeedContradictsIsASkip) {
  PlanOptions options = On({Place::kVm});
  options.settings = {{"/proc/sys/vm/a", "2"}};
  Needs needs;
  needs.settings = {{"/proc/sys/vm/a", "1"}};
  const Plan plan = MakePlan({Case("a/p", Blast::kProcess, needs)}, options);
  EXPECT_THAT(plan.groups, IsEmpty());
  ASSERT_THAT(plan.skipped, SizeIs(1));
  EXPECT_THAT(plan.skipped[0].reason,
              HasSubstr("needs /proc/sys/vm/a = 1, has 2"));
}

TEST(MakePlan, APlaceRunsOnlyWhatItContains) {
  const std::vector<CaseInfo> cases = {Case("a/p", Blast::kProcess),
                                       Case("a/c", Blast::kCgroup),
                                       Case("a/m", Blast::kMachine)};
  const Plan plan =
      MakePlan(cases, On({Place::kVm, Place::kCgroup, Place::kHost}));
  EXPECT_THAT(Text(plan),
              ElementsAre("host: a/p", "cgroup1: a/p", "cgroup1-64m: a/c",
                          "vm-256m-1cpu: a/p", "vm-256m-1cpu: a/c",
                          "vm-256m-1cpu: a/m"));
  EXPECT_THAT(plan.skipped, IsEmpty());
  EXPECT_THAT(plan.order, SizeIs(6));
  EXPECT_EQ(plan.order[0], (Plan::Slot{"vm-256m-1cpu", {"a/p", {}}}));
}

TEST(MakePlan, WhatFitsNoPlaceIsOneSkipWithTheReason) {
  const Plan plan = MakePlan({Case("a/m", Blast::kMachine)},
                             On({Place::kHost, Place::kCgroup}));
  EXPECT_THAT(plan.groups, IsEmpty());
  ASSERT_THAT(plan.skipped, SizeIs(1));
  EXPECT_EQ(plan.skipped[0].verdict, Verdict::kSkip);
  EXPECT_THAT(plan.skipped[0].reason,
              HasSubstr("cgroup: the case reaches as far as its machine"));
  EXPECT_EQ(plan.order, (std::vector<Plan::Slot>{{"", {"a/m", {}}}}));
}

TEST(MakePlan, ASkipSaysWhichPlaceCannotBeUsedHere) {
  PlanOptions options = On({Place::kCgroup});
  options.unusable[Place::kVm] = "no QEMU";
  const Plan plan = MakePlan({Case("a/m", Blast::kMachine)}, options);
  EXPECT_THAT(plan.skipped.at(0).reason,
              HasSubstr("vm: not usable here: no QEMU"));
}

TEST(MakePlan, GuestsAreAsLargeAsTheInstanceNeeds) {
  const PlanOptions options = On({Place::kVm});
  const auto shape = [&](Blast blast, const Needs& needs) {
    return ToText(ShapeFor(Place::kVm, blast, needs, options));
  };
  EXPECT_EQ(shape(Blast::kMachine, {}), "vm-256m-1cpu");
  EXPECT_EQ(shape(Blast::kMachine, {.memory = 96_MiB}), "vm-96m-1cpu");
  EXPECT_EQ(shape(Blast::kMachine, {.memory = 96_MiB + 1_B}), "vm-97m-1cpu");
  EXPECT_EQ(shape(Blast::kProcess, {.memory = 300_MiB}), "vm-512m-1cpu");
  EXPECT_EQ(shape(Blast::kProcess, {.memory = 512_MiB}), "vm-512m-1cpu");
  EXPECT_EQ(shape(Blast::kCgroup, {.memory = 128_MiB}), "vm-256m-1cpu");
  EXPECT_EQ(shape(Blast::kCgroup, {.memory = 129_MiB}), "vm-512m-1cpu");
  EXPECT_EQ(shape(Blast::kCgroup, {.memory = 1_GiB}), "vm-2g-1cpu");
  EXPECT_EQ(shape(Blast::kProcess, {.swap = 100_KiB, .cpus = 2, .nodes = 2}),
            "vm-256m-2cpu-2node-1mswap");
  EXPECT_EQ(shape(Blast::kCgroup, {.cgroup = 1}), "vm-256m-1cpu-cgroup1");
}

TEST(MakePlan, AGuestHoldsOneInstanceAndMakesItsSettingsHold) {
  Needs two;
  two.settings = {{"/proc/b", "2"}, {"/proc/a", "1"}};
  Needs same;
  same.settings = {{"/proc/a", "1"}, {"/proc/b", "2"}};
  const Plan plan = MakePlan(
      {Case("a/1", Blast::kProcess), Case("a/2", Blast::kProcess, two),
       Case("a/3", Blast::kProcess), Case("a/4", Blast::kProcess, same)},
      On({Place::kHost, Place::kVm}));
  EXPECT_THAT(Text(plan),
              ElementsAre("host: a/1 a/2 a/3 a/4", "vm-256m-1cpu: a/1",
                          "vm-256m-1cpu: a/2", "vm-256m-1cpu: a/3",
                          "vm-256m-1cpu: a/4"));
  EXPECT_THAT(plan.groups[0].settings, IsEmpty());
  EXPECT_EQ(plan.groups[2].settings.at(0).path, "/proc/a");
}

TEST(MakePlan, OverridesHoldForAllGuests) {
  PlanOptions options = On({Place::kVm});
  options.memory = 96_MiB;
  options.swap = 32_MiB;
  options.cpus = 3;
  options.nodes = 2;
  options.cgroup = 1;
  options.timeout_seconds = 7;
  options.invert = true;
  const Plan plan = MakePlan(
      {Case("a/m", Blast::kMachine, {.memory = 256_MiB}),
       Case("a/c", Blast::kCgroup), Case("a/n", Blast::kMachine, {.nodes = 4})},
      options);
  EXPECT_THAT(Text(plan),
              ElementsAre("vm-96m-3cpu-2node-32mswap-cgroup1: a/m"));
  EXPECT_EQ(plan.groups[0].orders[0].timeout_seconds, 7);
  EXPECT_TRUE(plan.groups[0].orders[0].invert);
  ASSERT_THAT(plan.skipped, SizeIs(2));
  EXPECT_EQ(plan.skipped[0].reason, "vm: needs memory: 192m, has 96m");
  EXPECT_EQ(plan.skipped[1].reason, "vm: needs NUMA nodes: 4, has 2");
}

TEST(MakePlan, TheInstructionClockHasOneCpu) {
  PlanOptions options = On({Place::kVm});
  options.clock = Clock::kInstructions;
  const Plan plan = MakePlan(
      {Case("a/1", Blast::kProcess), Case("a/2", Blast::kProcess, {.cpus = 2})},
      options);
  EXPECT_THAT(Text(plan), ElementsAre("vm-256m-1cpu-instructions: a/1"));
  ASSERT_THAT(plan.skipped, SizeIs(1));
  EXPECT_EQ(plan.skipped[0].reason,
            "vm: needs CPUs: 2, has 1: the instruction clock knows no more");
}

TEST(MakePlan, ABoxWithoutSizeGetsOne) {
  const Plan plan = MakePlan({Case("a/c", Blast::kCgroup)}, On({Place::kVm}));
  EXPECT_EQ(plan.groups.at(0).orders.at(0).needs.memory, kDefaultBox);
}

TEST(WhyNot, WhatACgroupCannotGive) {
  const PlanOptions options = On({Place::kCgroup});
  const auto why = [&](const Needs& needs) {
    return WhyNot(Place::kCgroup, Blast::kCgroup, needs, options);
  };
  EXPECT_EQ(why({}), "");
  EXPECT_EQ(why({.cgroup = 1}), "");
  EXPECT_EQ(why({.cgroup = 2}), "needs memory controller v2, has v1");
  EXPECT_EQ(why({.nodes = 2}), "needs NUMA nodes: 2, has 1");
  EXPECT_EQ(why({.cpus = 4}), "needs CPUs: 4, has 2");
  EXPECT_EQ(why({.swap = 1_MiB}), "needs swap: 1m, has 0");
  EXPECT_EQ(why({.memory = 7_GiB}), "needs available memory: 7g, has 6g");
  EXPECT_EQ(why({.alone = true}), "needs a machine of its own");
}

TEST(WhyNot, WhatAGuestCannotBeGiven) {
  PlanOptions options = On({Place::kVm});
  const auto why = [&](const Needs& needs) {
    return WhyNot(Place::kVm, Blast::kMachine, needs, options);
  };
  EXPECT_EQ(why({}), "");
  EXPECT_EQ(why({.memory = 6_GiB}), "needs available memory: 6240m, has 6g");
  options.swap = 64_MiB;
  EXPECT_EQ(why({.no_swap = true}), "needs no swap, has 64m");
  EXPECT_EQ(why({.swap = 128_MiB}), "needs swap: 128m, has 64m");
}

}  // namespace
}  // namespace oomgate
