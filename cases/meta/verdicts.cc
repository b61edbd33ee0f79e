// SPDX-License-Identifier: Apache-2.0
// Cases about oomgate itself: each ends with the verdict that it is named for,
// in every place. They prove that the harness tells them apart.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Return(Trace& trace, const Params&, const Facts&) {
  trace.Set("answer", 42);
}
void Spin(Trace&, const Params&, const Facts&) {
  for (;;) asm volatile("");
}
void End(Trace&, const Params&, const Facts&) { _exit(1); }

Oracle Holds(const Params&, const Facts&) {
  return AllOf(Survives(), Count("answer", Eq(42)));
}
Oracle Fails(const Params&, const Facts&) { return Count("answer", Eq(41)); }
Oracle KillsTheJudge(const Params&, const Facts&) {
  kill(getpid(), SIGKILL);
  return Survives();
}
Oracle HangsTheJudge(const Params&, const Facts&) {
  for (;;) pause();
}
std::string Missing(const Params&, const Facts&) {
  return "needs what no machine has, has not";
}

Case Meta(const char* id, const char* summary, Deed subject = Return,
          Oracle (*expect)(const Params&, const Facts&) = Holds) {
  return {.id = id,
          .summary = summary,
          .subject = subject,
          .expect = expect,
          .metrics = {Metric::Count("answer").EitherWay()},
          .timeout_seconds = 2,
          .meta = true};
}

const Register kPass{Meta("meta/pass", "passes")};
const Register kFail{
    Meta("meta/fail", "fails: its oracle does not hold", Return, Fails)};
const Register kDeadline{
    Meta("meta/deadline", "fails: its subject never ends", Spin)};

const Register kSkip{[] {
  Case meta = Meta("meta/skip", "is skipped: a need does not hold");
  meta.probe = Missing;
  return meta;
}()};

const Register kKnown{[] {
  Case meta = Meta("meta/known", "fails inside a declared window: known",
                   Return, Fails);
  meta.known = {
      {.what = "the answer is 42", .since = {0, 0}, .fixed = {999, 0}}};
  return meta;
}()};

const Register kBroken{[] {
  Case meta = Meta("meta/broken", "is broken: its bystander cannot be had");
  meta.bystanders = {{.name = "absent", .prepare = End}};
  return meta;
}()};

const Register kJudgeKilled{Meta("meta/judge_killed",
                                 "is lost: its judge is killed", Return,
                                 KillsTheJudge)};
const Register kHang{
    Meta("meta/hang", "is lost: its judge hangs", Return, HangsTheJudge)};

}  // namespace
}  // namespace oomgate
