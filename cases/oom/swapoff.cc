// SPDX-License-Identifier: Apache-2.0
// Whoever switches swap off when RAM has no room for what is there is the one
// that is killed for it, before all others; swap stays, with all that is in it.
#include <sys/swap.h>

#include "cases/oom/contest.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kOut = 56_MiB;
constexpr Bytes kLeft = 8_MiB;

struct Swapoff : Scene {
  SwapArea area = FindSwapArea(trace);
  Range range = MapAnonymous(trace, kOut);
  Range filler = {};

  void PageOut() {
    WritePages(trace, range);
    oomgate::PageOut(trace, range);
    // Locked, so that it does not go to the rest of swap. Pages that are there
    // are still in RAM, too, until it is needed.
    filler = MapAnonymous(
        trace, Meminfo("MemAvailable") + Meminfo("SwapCached") - kLeft);
    Lock(trace, filler);
  }
  // By its size and score the child would be the last.
  void SwitchOff() const {
    const int status = RunChild(trace, [&] {
      SetAdj(trace, 0, -900);
      Set("child errno", ErrnoOf(swapoff(area.path)));
    });
    Set("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    // For what is read back from swap.
    Unlock(trace, filler);
    Unmap(trace, filler);
  }
};

std::int64_t OomKills() { return Vmstat("oom_kill"); }
Bytes SwapTotal() { return Meminfo("SwapTotal"); }

Steps<Swapoff> Make(const Params&, const Facts&) {
  return {
      {"page out 56 MiB, lock the rest of RAM",
       &Swapoff::PageOut,
       {{"out", [](Swapoff& s) { return ReadMapping(s.range).swap; }, kOut}}},
      {"switch swap off in a child",
       &Swapoff::SwitchOff,
       {Count("signal", SIGKILL),
        Change("kills", OomKills, 1),
        Change("swap", SwapTotal, 0_B),
        {"other", [](Swapoff& s) { return CountOther(s.range, 1); }, 0}}},
  };
}

const Register kSwapoffKilled{
    {.id = "oom/swapoff",
     .summary = "swapoff without room in RAM kills who asked, nobody else",
     .claim = "Seed 1 (OOM, swap); mm/oom_kill.c: oom_task_origin; swapoff(2)",
     .functions = "try_to_unuse, set_current_oom_origin, select_bad_process",
     .look_at = "signal is the child's; the subject with all the memory and a "
                "score of 1000 must live",
     .suite = Suite::kNightly,
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .swap = 64_MiB, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::oom
