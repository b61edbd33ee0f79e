// SPDX-License-Identifier: Apache-2.0
// A victim that cannot end is reaped two seconds later: its memory is taken,
// nobody else dies for it, and the next kill does not wait for it.
#include <ctime>

#include "cases/oom/contest.h"
#include "cases/oom/held_at_exit.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kHeld = 8_MiB;
constexpr Bytes kTouchedAgain = 64_KiB;  // on its way out

std::int64_t Milliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Ballast ballast(trace);
  const std::int64_t kills = Kills(f);
  const pid_t victim =
      StartPlayer(trace, ready, 1000, [&] { HoldAnonymous(trace, kHeld); });
  const pid_t other =
      StartPlayer(trace, ready, 500, [&] { HoldAnonymous(trace, 2_MiB); });
  HoldAtExit(trace, victim);
  const Bytes tables = StatusField("VmPTE", victim);
  const std::int64_t start = Milliseconds();
  // Who fills the box waits for the reaper, but for a page or two that the
  // victim frees on its way.
  ballast.GrowUntilKill(f);
  WaitUntilHeld(trace, victim);
  HoldsWithin(20000, [&] { return AnonymousOf(victim) <= kTouchedAgain; });
  trace.Set("waited_ms", Milliseconds() - start);
  trace.Set("victim.anon", AnonymousOf(victim));
  trace.Set("victim.tables_lost", tables - StatusField("VmPTE", victim));
  trace.Set("kills", Kills(f) - kills);
  trace.Set("other.anon", AnonymousOf(other));
  // The reaped one is passed over, though it is still there.
  ballast.GrowUntilKill(f);
  trace.Set("other.signal", WTERMSIG(Reap(other)));
  trace.Set("all_kills", Kills(f) - kills);
  LetGo(trace, victim);
  trace.Set("victim.signal", WTERMSIG(Reap(victim)));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), KernelLogHas("oom_reaper: reaped process"),
               Size("victim.anon", Le(kTouchedAgain)),
               // OOM_REAPER_DELAY is 2 s; the tick may be 10 ms.
               Count("waited_ms", Between(1980, 20000)), Count("kills", Eq(1)),
               Size("other.anon", Between(2_MiB, 2_MiB + kOwnAnon)),
               Count("other.signal", Eq(SIGKILL)), Count("all_kills", Eq(2)),
               Count("victim.signal", Eq(SIGKILL)));
}

const Register kReaper{
    {.id = "oom/reaper",
     .summary = "a victim that cannot end gives its memory all the same",
     .explains =
         {.claim = "Seed 1 (OOM): an overcommitted access ends in a kill; the "
                   "kill must free memory",
          .deed = "holds the victim at its exit with ptrace, and goes on "
                  "filling the box",
          .functions = "queue_oom_reaper, wake_oom_reaper, oom_reap_task_mm, "
                       "__oom_reap_task_mm, MMF_OOM_SKIP",
          .look_at = "waited_ms below two seconds: who else was killed; a "
                     "deadline: nobody was reaped"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB, .kernel_log = true},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .metrics = {{.name = "waited_ms",
                  .better = Better::kLower,
                  .unit = "ms",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate::oom
