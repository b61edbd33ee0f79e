// SPDX-License-Identifier: Apache-2.0
// Judging real subjects on this machine: every verdict and every kind of end.
#include "cases/kit/judge.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace oomgate {
namespace {

using testing::HasSubstr;

void Return(Trace& trace, const Params&, const Facts&) {
  trace.Set("answer", 42);
}
Oracle AnswerIs42(const Params&, const Facts&) {
  return AllOf(Survives(), Count("answer", Eq(42)));
}

Case Simple() {
  return {.id = "test/simple",
          .summary = "",
          .subject = Return,
          .expect = AnswerIs42,
          .timeout_seconds = 5};
}

Judged JudgeIt(const Case& definition, bool invert = false) {
  return Judge(definition, {}, BoxView("process"), {.invert = invert});
}

TEST(Judge, PassesAndFailsWhenInverted) {
  EXPECT_EQ(JudgeIt(Simple()).verdict, Verdict::kPass);
  const Judged inverted = JudgeIt(Simple(), true);
  EXPECT_EQ(inverted.verdict, Verdict::kFail);
  EXPECT_THAT(inverted.reason, HasSubstr("--invert"));
}

TEST(Judge, AFailureSaysWhatWasExpectedAndSeen) {
  Case c = Simple();
  c.expect = [](const Params&, const Facts&) {
    return Count("answer", Eq(41));
  };
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(j.reason, "simple: answer is 42, expected 41");
  EXPECT_THAT(j.checks, testing::ElementsAre(
                            FailedCheck{"simple", "answer", "42", "41"}));
}

TEST(Judge, AFailureInsideItsWindowIsKnown) {
  Case c = Simple();
  c.expect = [](const Params&, const Facts&) {
    return Count("answer", Eq(41));
  };
  c.known = {{.what = "a bug", .since = {0, 0}, .fixed = {999, 0}}};
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kKnown);
  c.known = {{.what = "a bug", .since = {0, 0}, .fixed = {0, 1}}};
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kFail);
}

TEST(Judge, ANeedThatDoesNotHoldIsASkipWithNeedAndHave) {
  Case c = Simple();
  c.needs.cpus = 100000;
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kSkip);
  EXPECT_THAT(j.reason, HasSubstr("needs 100000 CPUs, has "));
}

TEST(Judge, ACaseThatWouldReachTooFarIsNotRun) {
  Case c = Simple();
  c.subject = [](Trace&, const Params&, const Facts&) { std::abort(); };
  c.blast = Blast::kCgroup;
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kSkip);
  c.blast = Blast::kMachine;
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kSkip);
  // A whole machine is no cgroup.
  c.blast = Blast::kCgroup;
  EXPECT_EQ(Judge(c, {}, BoxView("machine")).verdict, Verdict::kSkip);
}

TEST(Judge, ASigkillThatNobodyCountedIsNoOomKill) {
  Case c = Simple();
  c.subject = [](Trace&, const Params&, const Facts&) {
    kill(getpid(), SIGKILL);
  };
  c.expect = [](const Params&, const Facts&) { return OomKilled(); };
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(ToText(*j.outcome), "killed by signal 9 (Killed)");
}

TEST(Judge, ASubjectThatNeverEndsMeetsItsDeadline) {
  Case c = Simple();
  c.subject = [](Trace&, const Params&, const Facts&) { WaitForever(); };
  c.timeout_seconds = 1;
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_EQ(ToText(*j.outcome), "deadline");
}

TEST(Judge, AStoppedSubjectSaysWhere) {
  Case c = Simple();
  c.subject = [](Trace& trace, const Params&, const Facts&) {
    trace.Stop("mmap", ENOMEM);
  };
  const Judged j = JudgeIt(c);
  EXPECT_EQ(j.verdict, Verdict::kFail);
  EXPECT_THAT(ToText(*j.outcome), HasSubstr("stopped: mmap: Cannot allocate"));
}

TEST(Judge, ABystanderThatDiesIsSeen) {
  Case c = Simple();
  c.bystanders = {
      {.name = "victim", .prepare = [](Trace& t, const Params&, const Facts&) {
         t.Set("pid", getpid());
       }}};
  c.expect = [](const Params&, const Facts&) -> Oracle {
    return AllOf(BystandersSurvive(), Count("victim.pid", Gt(0)));
  };
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kPass);
  c.subject = [](Trace&, const Params&, const Facts&) {
    // The only other child of our parent.
    const std::string children = "/proc/" + std::to_string(getppid()) +
                                 "/task/" + std::to_string(getppid()) +
                                 "/children";
    kill(static_cast<pid_t>(NumberIn(children.c_str())), SIGKILL);
    // It is a zombie, or gone, before its judge looks: both are dead.
  };
  EXPECT_THAT(JudgeIt(c).reason, HasSubstr("dead: victim"));
}

TEST(Judge, ABystanderThatCannotBeHadIsBroken) {
  Case c = Simple();
  c.bystanders = {
      {.name = "absent",
       .prepare = [](Trace&, const Params&, const Facts&) { _exit(1); }}};
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kBroken);
}

TEST(Judge, ATraceThatOverflowsIsBroken) {
  Case c = Simple();
  c.subject = [](Trace& trace, const Params&, const Facts&) {
    char name[] = "valueAA";
    for (int i = 0; i < 400; ++i) {
      name[5] = static_cast<char>('A' + i / 20);
      name[6] = static_cast<char>('A' + i % 20);
      trace.Set(name, i);
    }
  };
  EXPECT_EQ(JudgeIt(c).verdict, Verdict::kBroken);
}

}  // namespace
}  // namespace oomgate
