// SPDX-License-Identifier: Apache-2.0
// Swap fills up before anybody is killed, what a victim has there counts
// against it, and it is free again afterwards.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLocked = 4_MiB;

struct Full : Contest {
  Gate go{trace};

  // Half of the victim's points will be in swap, and none of the other's: its
  // locked pages make it the one with more RAM.
  void Start() {
    victim = StartChild(trace, [&] {
      SetAdj(trace, 0, 300);
      go.Pass();
      WritePages(trace, MapAnonymous(trace, 2 * (f.box + f.swap)));
    });
    other = Contest::Start(300, [&] {
      const Range range = MapAnonymous(trace, kLocked);
      WritePages(trace, range);
      Lock(trace, range);
    });
  }
  void Fill() {
    go.Open();
    Set("signal", WTERMSIG(Reap(victim)));
  }
  // Slots come back when the dead process's memory does.
  Bytes SwapLeft() const {
    return OnceHolds(
        5000, [&] { return InSwap(); },
        [](Bytes left) { return left <= 1_MiB; });
  }
};

Row<Full> OfOther(const char* field, testing::Matcher<Bytes> is) {
  return {field, [=](Full& s) { return StatusField(field, s.other); }, is};
}

Steps<Full> Make(const Params&, const Facts& f) {
  const Bytes ram = f.box - kLocked;
  const Bytes all = ram + f.swap;
  return {
      {"start both", &Full::Start, OfOther("VmLck", kLocked)},
      {"fill the box and swap", &Full::Fill, Count("signal", SIGKILL),
       Change("kills", &Contest::KillsSoFar, 1),
       Is("other lives", &Contest::OtherLives, 1), OfOther("VmLck", kLocked),
       OfOther("RssAnon", Between(kLocked, kLocked + kOwnAnon)),
       // Slots that the CPUs hold back, and swap that is cached in RAM as well.
       Written(Between(all - 6_MiB, all)), OomConstraint("CONSTRAINT_MEMCG"),
       OomNumber("table.swapents",
                 Between((f.swap - 2_MiB) / kPage, f.swap / kPage)),
       // What it shares since the fork counts for it, and is charged only once.
       OomAnonRss(Between(ram - 5_MiB, ram + kOwnAnon)),
       Is("swap left", &Full::SwapLeft, Le(1_MiB))},
  };
}

const Register kSwapFull{
    {.id = "oom/swap_full",
     .summary = "swap is full before anybody is killed, and free after",
     .claim = "Seed 1 (OOM, swap); appendix: swap counts in badness. Also "
              "mlock: locked pages stay, whatever the pressure",
     .functions = "shrink_folio_list, folio_alloc_swap, oom_badness, "
                  "swap_free, mlock_folio",
     .look_at = "written: what fitted; table.swapents: what was in swap",
     // Filling swap takes long on some kernels.
     .suite = Suite::kNightly,
     .blast = Blast::kCgroup,
     .needs = {.memory = 24_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .kernel_log = true,
               .alone = true,
               .settings = {kVmKnobs.With("oom_dump_tasks", "1")},
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make,
     .oom_score_adj = 0,
     .timeout_seconds = 120}};

}  // namespace
}  // namespace oomgate::oom
