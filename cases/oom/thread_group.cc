// SPDX-License-Identifier: Apache-2.0
// A victim's threads die together, wherever they sleep; and a process whose
// first thread is gone is still seen by the killer.
#include "cases/oom/contest.h"
#include "oomgate/threads.h"

namespace oomgate::oom {
namespace {

void ReadAPipe() {
  int ends[2];
  char byte = 0;
  if (pipe(ends) == 0) (void)!read(ends[0], &byte, 1);
}
void Pause() { WaitForever(); }
void Sleep() {
  for (;;) sleep(86400);
}
void LockTwice() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

void StartBoth(Contest& s) {
  s.victim = StartChild(s.trace, [&] {
    SetAdj(s.trace, 0, 500);
    RunFirst();
    static void (*bodies[])() = {ReadAPipe, Pause, Sleep, LockTwice};
    for (auto& body : bodies) StartThread(s.trace, body);
    HoldAnonymous(s.trace, 8_MiB);
    s.Set("threads", FieldIn("/proc/self/status", "Threads"));
    s.ready.Open();
    // Only this thread: a zombie until the others are gone.
    if (s.p["leader"] == "gone") syscall(SYS_exit, 0);
    WaitForever();
  });
  s.ready.Pass();
  s.other = s.Start(500, 4_MiB);
}

Steps<Contest> Make(const Params&, const Facts&) {
  const auto wait_again = [](Contest& s) {
    return ErrnoOf(waitpid(s.victim, nullptr, 0));
  };
  const auto kill_again = [](Contest& s) { return ErrnoOf(kill(s.victim, 0)); };
  return {
      {"start both", StartBoth, Count("threads", 5),
       Is("ended", Ended(&Contest::victim), 0)},
      {"fill the box",
       [](Contest& s) {
         s.ballast.GrowUntilKill(s.f);
         s.Set("signal", SignalOf(s.victim));
       },
       Count("signal", SIGKILL), Is("second wait errno", wait_again, ECHILD),
       Is("kill errno", kill_again, ESRCH),
       Change("kills", &Contest::KillsSoFar, 1)},
      // All that it held is free.
      {"write 7 MiB more", [](Contest& s) { s.ballast.Grow(7_MiB); },
       Change("ballast", &Contest::BallastSize, 7_MiB),
       Change("kills", &Contest::KillsSoFar, 0),
       Is("other lives", &Contest::OtherLives, 1)},
  };
}

const Register kThreadGroup{
    {.id = "oom/thread_group",
     .summary = "all threads of the victim die, its waiter sees one SIGKILL",
     .claim = "Seed 0: who touches too much is killed, as a process",
     .functions = "find_lock_task_mm, do_send_sig_info with PIDTYPE_TGID",
     .look_at = "with leader=gone the other one dies where only first threads "
                "are looked at",
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB},
     .params = {{"leader", {"waits", "gone"}}},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
