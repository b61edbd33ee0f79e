// SPDX-License-Identifier: Apache-2.0
// Whoever switches swap off when RAM has no room for what is there is the one
// that is killed for it, before all others; swap stays, with all that is in it.
#include <sys/swap.h>
#include <sys/wait.h>

#include <cerrno>

#include "cases/oom/contest.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kOut = 56_MiB;
constexpr Bytes kLeft = 8_MiB;

void Subject(Trace& trace, const Params&, const Facts&) {
  const SwapArea area = FindSwapArea(trace);
  const Bytes total = Meminfo("SwapTotal");
  const std::int64_t kills = Vmstat("oom_kill");
  const Range range = MapAnonymous(trace, kOut);
  WritePages(trace, range);
  PageOut(trace, range);
  // Locked, so that it does not go to the rest of swap. Pages that are there
  // are still in RAM, too, until it is needed.
  const Range filler = MapAnonymous(
      trace, Meminfo("MemAvailable") + Meminfo("SwapCached") - kLeft);
  if (mlock(filler.start, Length(filler.size)) != 0) trace.Stop("mlock", errno);
  trace.Set("out", ReadMapping(range).swap);
  // By its size and score it would be the last.
  const pid_t child = StartChild(trace, [&] {
    SetAdj(trace, 0, -900);
    trace.Set("errno", swapoff(area.path) == 0 ? 0 : errno);
  });
  const int status = Reap(child);
  trace.Set("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  trace.Set("kills", Vmstat("oom_kill") - kills);
  trace.Set("swap_lost", total - Meminfo("SwapTotal"));
  munlock(filler.start, Length(filler.size));
  Unmap(trace, filler);
  trace.Set("other", CountOther(range, 1));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Size("out", Eq(kOut)), Count("signal", Eq(SIGKILL)),
               Count("kills", Eq(1)), Size("swap_lost", Eq(0_B)),
               Count("other", Eq(0)));
}

const Register kSwapoffKilled{
    {.id = "oom/swapoff",
     .summary = "swapoff without room in RAM kills who asked, nobody else",
     .explains = {.claim =
                      "Seed 1 (OOM, swap); mm/oom_kill.c: oom_task_origin; "
                      "swapoff(2)",
                  .deed = "pages 56 MiB out, locks all RAM but 8 MiB, lets a "
                          "small child with a score of -900 switch swap off",
                  .functions = "try_to_unuse, set_current_oom_origin, "
                               "select_bad_process",
                  .look_at =
                      "signal is the child's; the subject with all the memory "
                      "and a score of 1000 must live"},
     .suite = Suite::kNightly,
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .swap = 64_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::oom
