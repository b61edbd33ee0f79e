// SPDX-License-Identifier: Apache-2.0
// Steps, played by real subjects on this machine: which row is blamed, and what
// happens where a subject dies among them.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "cases/kit/judge.h"

namespace oomgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Counter : Scene {
  int number = 10;
  int Number() const { return number; }
};

void AddOne(Counter& c) { ++c.number; }

// Two good steps around one that a test makes.
template <typename Act>
Case With(Act act, Rows<Counter> rows) {
  static Act the_act = act;
  static Rows<Counter> the_rows;
  the_rows = std::move(rows);
  return {.id = "test/steps",
          .summary = "",
          .steps = +[](const Params&, const Facts&) -> Steps<Counter> {
            return {{"add", AddOne, {Change("more", &Counter::Number, 1)}},
                    {"middle", the_act, the_rows},
                    {"add again", AddOne, {{"number", &Counter::Number, 12}}}};
          },
          .timeout_seconds = 5};
}

Judged JudgeIt(const Case& definition, const JudgeOptions& options = {}) {
  return Judge(definition, {}, BoxView("process"), options);
}

TEST(Steps, ValuesCarryTheNameOfTheirStep) {
  const Judged j = JudgeIt(With([](Counter& c) { c.Set("size", 4_KiB); },
                                {Size("size", 4_KiB), Count("add.more", 1)}));
  EXPECT_EQ(j.verdict, Verdict::kPass) << j.reason;
  EXPECT_EQ(j.outcome->values.at("add.more"), 1);
  EXPECT_EQ(j.outcome->values.at("middle.size"), 4096);
  EXPECT_EQ(j.outcome->values.at("add again.number"), 12);
}

TEST(Steps, TheRowThatBrokeIsNamed) {
  const Judged j = JudgeIt(
      With([](Counter& c) { c.Set("size", 8_MiB); }, {Size("size", 4_MiB)}));
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(j.checks,
              ElementsAre(FailedCheck{"middle", "size", "8 MiB", "4 MiB"}));
  EXPECT_EQ(j.reason, "middle: size is 8 MiB, expected 4 MiB");
}

TEST(Steps, AnActThatReturnsAnErrnoMustSucceed) {
  const Judged j = JudgeIt(With([](Counter&) { return ENOMEM; }, {}));
  EXPECT_THAT(j.checks,
              ElementsAre(FailedCheck{"middle", "errno", "ENOMEM", "0"}));
  EXPECT_EQ(
      JudgeIt(With([](Counter&) { return EPERM; }, {Refused(EPERM)})).verdict,
      Verdict::kPass);
}

TEST(Steps, WhereTheSubjectDiesTheStepsBeforeAreJudged) {
  const Judged j = JudgeIt(With(
      [](Counter& c) {
        c.number = 20;
        c.Set("set", 1);
        raise(SIGUSR1);
      },
      {Count("set", 2), Count("unset", 0), Count("add.more", 3)}));
  EXPECT_THAT(
      j.checks,
      ElementsAre(FailedCheck{"middle", "set", "1", "2"},
                  FailedCheck{"middle", "add.more", "1", "3"},
                  FailedCheck{"middle", "end",
                              "killed by signal 10 (User defined signal 1)",
                              "exited 0"}));
}

TEST(Steps, OneThatExitsAmongThemHasNotDoneTheRest) {
  const Judged j = JudgeIt(With([](Counter&) { _exit(0); }, {}));
  EXPECT_THAT(j.checks,
              ElementsAre(FailedCheck{"middle", "end",
                                      "exited 0, before all steps were done",
                                      "all steps done"}));
}

TEST(Steps, ADeathThatIsExpectedMustHappenInItsStep) {
  const Rows<Counter> dies = {KilledBy(SIGUSR1), Count("add.more", 1)};
  EXPECT_EQ(JudgeIt(With([](Counter&) { raise(SIGUSR1); }, dies)).verdict,
            Verdict::kPass);
  EXPECT_THAT(JudgeIt(With([](Counter&) {}, dies)).checks,
              ElementsAre(FailedCheck{"middle", "end", "exited 0",
                                      "killed by signal 10 (User defined "
                                      "signal 1)"}));
}

TEST(Steps, ASceneThatCannotBeMadeIsBlamedOnTheSetUp) {
  struct Impossible : Scene {
    int number = (trace.Stop("mmap", ENOMEM), 0);
  };
  Case c = With([](Counter&) {}, {});
  c.steps = +[](const Params&, const Facts&) -> Steps<Impossible> {
    return {{"never", [] {}}};
  };
  EXPECT_THAT(JudgeIt(c).checks,
              ElementsAre(FailedCheck{"set-up", "end",
                                      "stopped: mmap: Cannot allocate memory",
                                      "exited 0"}));
}

TEST(Steps, OneThatDoesNotApplyIsListed) {
  Case c = With([](Counter&) {}, {});
  c.steps = +[](const Params&, const Facts&) -> Steps<Counter> {
    return {
        StepOf<Counter>("crash", [] { raise(SIGSEGV); }, {Count("unset", 1)})
            .LeftOut("not on this kernel"),
        {"add", AddOne, {{"number", &Counter::Number, 11}}}};
  };
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kPass) << j.reason;
  EXPECT_THAT(j.left_out, ElementsAre(LeftOut{"crash", "not on this kernel"}));
}

TEST(Steps, AKnownBugExplainsItsOwnStepOnly) {
  Case c = With([](Counter&) {}, {});
  c.steps = +[](const Params&, const Facts&) -> Steps<Counter> {
    return {StepOf<Counter>("wrong", AddOne, {{"number", &Counter::Number, 0}})
                .KnownBug({.what = "a bug", .fixed = {999, 0}})};
  };
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kKnown);
  EXPECT_EQ(JudgeIt(c).reason,
            "wrong: number is 11, expected 0; known bug: a bug");
  c.steps = +[](const Params&, const Facts&) -> Steps<Counter> {
    return {StepOf<Counter>("right", AddOne, {{"number", &Counter::Number, 11}})
                .KnownBug({.what = "a bug", .fixed = {999, 0}}),
            {"wrong", AddOne, {{"number", &Counter::Number, 0}}}};
  };
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kFail);
}

TEST(Steps, WithoutItsActAStepIsReadAllTheSame) {
  const Case c = With(
      [](Counter& c) {
        --c.number;
        return 0;
      },
      {Change("less", &Counter::Number, -1)});
  const Judged j = JudgeIt(c, {.without = "middle"});
  EXPECT_THAT(j.checks, ElementsAre(FailedCheck{"middle", "less", "0", "-1"}));
}

TEST(Steps, TwoOfOneNameAreAMistakeOfTheCase) {
  Case c = With([](Counter&) {}, {});
  c.steps = +[](const Params&, const Facts&) -> Steps<Counter> {
    return {{"add", AddOne}, {"add", AddOne}};
  };
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kBroken);
  EXPECT_THAT(JudgeIt(c).reason, HasSubstr("two steps are called 'add'"));
}

TEST(Steps, APromisedPanicThatDoesNotComeIsAFailure) {
  Case c = With([](Counter&) {}, {});
  c.panics = "system-wide panic_on_oom";
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(j.checks, testing::Contains(FailedCheck{
                            "", "panic", "none: the subject exited 0",
                            "\"system-wide panic_on_oom\""}));
  EXPECT_EQ(JudgeIt(c, {.invert = true}).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace oomgate
