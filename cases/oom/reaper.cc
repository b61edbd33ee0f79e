// SPDX-License-Identifier: Apache-2.0
// A victim that cannot end is reaped two seconds later: its memory is taken,
// nobody else dies for it, and the next kill does not wait for it.
#include "cases/oom/contest.h"
#include "cases/oom/held_at_exit.h"
#include "oomgate/stopwatch.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kHeld = 8_MiB;
constexpr Bytes kTouchedAgain = 64_KiB;  // on its way out

void StartBoth(Contest& s) {
  s.victim = s.Start(1000, kHeld);
  s.other = s.Start(500, 2_MiB);
  HoldAtExit(s.trace, s.victim);
}

// The process that fills the box waits for the reaper, but for a page or two
// that the victim frees on its way.
void FillAndWait(Contest& s) {
  const Stopwatch watch;
  s.ballast.GrowUntilKill(s.f);
  WaitUntilHeld(s.trace, s.victim);
  HoldsWithin(20000, [&] { return AnonymousOf(s.victim) <= kTouchedAgain; });
  s.Set("waited_ms", watch.Milliseconds());
}

Steps<Contest> Make(const Params&, const Facts&) {
  const auto held = [](Bytes size) { return Between(size, size + kOwnAnon); };
  const auto of_victim = [](Contest& s) { return AnonymousOf(s.victim); };
  const auto of_other = [](Contest& s) { return AnonymousOf(s.other); };
  return {
      {"start both", StartBoth, Is("anon of victim", of_victim, held(kHeld))},
      {"fill the box, wait for the reaper", FillAndWait,
       Is("anon of victim", of_victim, Le(kTouchedAgain)),
       // OOM_REAPER_DELAY is 2 s; the tick may be 10 ms.
       Count("waited_ms", Between(1980, 20000)),
       KernelLogHas("oom_reaper: reaped process"),
       Change("kills", &Contest::KillsSoFar, 1),
       Is("anon of other", of_other, held(2_MiB))},
      // The reaped one is passed over, though it is still there.
      {"fill the box again",
       [](Contest& s) {
         s.ballast.GrowUntilKill(s.f);
         s.Set("signal", WTERMSIG(Reap(s.other)));
       },
       Count("signal", SIGKILL), Change("kills", &Contest::KillsSoFar, 1)},
      {"let the victim end",
       [](Contest& s) { s.Set("signal", LetEnd(s.trace, s.victim)); },
       Count("signal", SIGKILL)},
  };
}

const Register kReaper{
    {.id = "oom/reaper",
     .summary = "a victim that cannot end gives its memory all the same",
     .claim = "Seed 1 (OOM): an overcommitted access ends in a kill; the kill "
              "must free memory",
     .functions = "queue_oom_reaper, wake_oom_reaper, oom_reap_task_mm, "
                  "__oom_reap_task_mm, MMF_OOM_SKIP",
     .look_at = "waited_ms below two seconds: who else was killed; a deadline: "
                "nobody was reaped",
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB, .kernel_log = true},
     .steps = Make,
     .oom_score_adj = 0,
     .metrics = {Metric::Time("waited_ms", "ms",
                              "fill the box, wait for the reaper.waited_ms")}}};

}  // namespace
}  // namespace oomgate::oom
