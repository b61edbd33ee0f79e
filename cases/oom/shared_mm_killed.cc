// SPDX-License-Identifier: Apache-2.0
// Killing one process frees nothing while another has the same memory: both
// die, as one kill, and nobody else does.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

int Wait(void*) { WaitForever(); }

struct Sharing : Contest {
  std::atomic<std::int64_t>& sharer = trace.Counter("sharer");

  void StartAll() {
    victim = Start(500, [&] {
      sharer = StartSharer(trace, CLONE_PARENT, Wait);
      HoldAnonymous(trace, 8_MiB);
    });
    other = Contest::Start(500, 4_MiB);
  }
  void Fill() {
    ballast.GrowUntilKill(f);
    Set("signal", SignalOf(victim));
    Set("signal of sharer", SignalOf(static_cast<pid_t>(sharer)));
  }
};

Steps<Sharing> Make(const Params&, const Facts&) {
  return {
      {"start two with one memory, and another", &Sharing::StartAll},
      {"fill the box",
       &Sharing::Fill,
       {Count("signal", SIGKILL), Count("signal of sharer", SIGKILL),
        Change("kills", &Contest::KillsSoFar, 1)}},
      // What both held is free.
      {"write 7 MiB more",
       [](Sharing& s) { s.ballast.Grow(7_MiB); },
       {Change("ballast", &Contest::BallastSize, 7_MiB),
        Change("kills", &Contest::KillsSoFar, 0),
        {"other lives", &Contest::OtherLives, 1}}},
  };
}

const Register kSharedMmKilled{
    {.id = "oom/shared_mm_killed",
     .summary = "all processes that share the victim's memory die with it",
     .claim = "Seed 2 (clone with CLONE_VM instead of fork): what shares "
              "memory shares its end",
     .functions = "__oom_kill_process, process_shares_mm",
     .look_at = "signal of sharer 0: it outlived the victim",
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
