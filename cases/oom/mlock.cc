// SPDX-License-Identifier: Apache-2.0
// Locked memory is not reclaimed while other memory can be, and does not
// protect its owner: with nothing else to take, the locker is killed.
#include <sys/wait.h>

#include <cstdio>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLocked = 12_MiB;
constexpr Bytes kPlain = 8_MiB;
constexpr Bytes kBallast = 16_MiB;

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Gate look(trace);
  Ballast ballast(trace);
  const std::int64_t kills = Kills(f);
  const pid_t locker = StartChild(trace, [&] {
    SetAdj(trace, 0, 300);
    const Range range = MapAnonymous(trace, kLocked);
    if (mlock(range.start, static_cast<std::size_t>(kLocked.count)) != 0) {
      trace.Stop("mlock", errno);
    }
    trace.Set("at_once.rss", ReadMapping(range).rss);
    ready.Open();
    look.Pass();
    trace.Set("pressed.rss", ReadMapping(range).rss);
    trace.Set("pressed.swap", ReadMapping(range).swap);
    trace.Set("pressed.locked", StatusField("VmLck"));
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  StartPlayer(trace, ready, 300, [&] { HoldAnonymous(trace, kPlain); });
  ballast.Grow(kBallast);
  look.Open();
  ready.Pass();
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.swap.current",
                f.box_folder.c_str());
  trace.Set("swapped", NumberIn(path));
  trace.Set("kills_pressed", Kills(f) - kills);
  // From here on nothing can go to swap any more.
  std::snprintf(path, sizeof path, "%s/memory.swap.max", f.box_folder.c_str());
  WriteKnob(trace, path, "0");
  ballast.GrowUntilKill(f);
  trace.Set("locker.signal", WTERMSIG(Reap(locker)));
  trace.Set("kills", Kills(f) - kills);
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes over = kLocked + kPlain + kBallast - f.box;
  return AllOf(Survives(), Size("at_once.rss", Eq(kLocked)),
               Size("pressed.rss", Eq(kLocked)), Size("pressed.swap", Eq(0_B)),
               Size("pressed.locked", Eq(kLocked)),
               Size("swapped", Between(over, kPlain + kBallast)),
               Count("kills_pressed", Eq(0)),
               // What was locked comes back late: another may go, too.
               Count("kills", Between<std::int64_t>(1, 2)),
               Count("locker.signal", Eq(SIGKILL)));
}

const Register kMlock{
    {.id = "oom/mlock",
     .summary = "locked memory stays, and does not protect who locked it",
     .explains =
         {.claim = "Seed 1 (madvise and mlock list); mlock(2)",
          .deed = "presses a cgroup with locked, plain and file memory into "
                  "swap, then takes swap away and fills it",
          .functions = "mlock_folio, folio_evictable, oom_badness",
          .look_at = "pressed.swap: locked pages that were swapped"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 28_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .settings = {{"/proc/sys/vm/oom_dump_tasks", "1"}},
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
