// SPDX-License-Identifier: Apache-2.0
// Locked memory is not reclaimed while other memory can be, and does not
// protect its owner: with nothing else to take, the locker is killed.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLocked = 12_MiB;
constexpr Bytes kPlain = 8_MiB;
constexpr Bytes kBallast = 16_MiB;

struct Pressed : Contest {
  Gate look{trace};

  void StartLocker() {
    victim = StartChild(trace, [&] {
      SetAdj(trace, 0, 300);
      const Range range = MapAnonymous(trace, kLocked);
      Lock(trace, range);
      Set("rss", ReadMapping(range).rss);
      ready.Open();
      look.Pass();
      const MappingUsage now = ReadMapping(range);
      Set("rss", now.rss);
      Set("swap", now.swap);
      Set("locked", StatusField("VmLck"));
      ready.Open();
      WaitForever();
    });
    ready.Pass();
  }
  void Press() {
    Start(300, kPlain);
    ballast.Grow(kBallast);
    look.Open();
    ready.Pass();
  }
  // From here on nothing can go to swap any more.
  void Fill() {
    Group(f).Set(trace, "memory.swap.max", 0);
    ballast.GrowUntilKill(f);
    Set("signal", WTERMSIG(Reap(victim)));
  }
};

Steps<Pressed> Make(const Params&, const Facts& f) {
  const Bytes over = kLocked + kPlain + kBallast - f.box;
  return {
      {"start one that locks 12 MiB", &Pressed::StartLocker,
       Size("rss", kLocked)},
      {"press it with plain and file memory", &Pressed::Press,
       Size("rss", kLocked), Size("swap", 0_B), Size("locked", kLocked),
       Is("swapped", &Contest::InSwap, Between(over, kPlain + kBallast)),
       Change("kills", &Contest::KillsSoFar, 0)},
      // What was locked comes back late: another may go, too.
      {"take swap away, and fill the box", &Pressed::Fill,
       Count("signal", SIGKILL),
       Change("kills", &Contest::KillsSoFar, Between(1, 2))},
  };
}

const Register kMlock{
    {.id = "oom/mlock",
     .summary = "locked memory stays, and does not protect who locked it",
     .claim = "Seed 1 (madvise and mlock list); mlock(2)",
     .functions = "mlock_folio, folio_evictable, oom_badness",
     .look_at = "swap: locked pages that were swapped",
     .blast = Blast::kCgroup,
     .needs = {.memory = 28_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .settings = {kVmKnobs.With("oom_dump_tasks", "1")},
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
