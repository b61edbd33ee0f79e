// SPDX-License-Identifier: Apache-2.0
// Killing one process frees nothing while another has the same memory: both
// die, as one kill, and nobody else does.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr int kDeadline = 5000;
constexpr Bytes kStack = 64_KiB;

int Wait(void*) { WaitForever(); }

// A process of its own with the caller's memory; a child of the caller's
// parent.
pid_t StartSharer(Trace& trace) {
  MapOptions options;
  options.pages = MapOptions::kDefault;
  const Range stack = MapAnonymous(trace, kStack, options);
  const pid_t pid =
      clone(Wait, stack.end(), CLONE_VM | CLONE_PARENT | SIGCHLD, nullptr);
  if (pid < 0) trace.Stop("clone", errno);
  return pid;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Ballast ballast(trace);
  const std::int64_t kills = Kills(f);
  std::atomic<std::int64_t>& sharer = trace.Counter("sharer");
  const pid_t victim = StartPlayer(trace, ready, 500, [&] {
    sharer = StartSharer(trace);
    HoldAnonymous(trace, 8_MiB);
  });
  const pid_t other =
      StartPlayer(trace, ready, 500, [&] { HoldAnonymous(trace, 4_MiB); });
  ballast.GrowUntilKill(f);
  int status = 0;
  const bool victim_ended = EndsWithin(victim, kDeadline, status);
  trace.Set("victim.signal", victim_ended ? WTERMSIG(status) : 0);
  const bool sharer_ended =
      EndsWithin(static_cast<pid_t>(sharer), kDeadline, status);
  trace.Set("sharer.signal", sharer_ended ? WTERMSIG(status) : 0);
  trace.Set("kills", Kills(f) - kills);
  // What both held is free: as much fits, and nobody dies.
  ballast.Grow(7_MiB);
  trace.Set("kills_after", Kills(f) - kills);
  trace.Set("other.alive", EndsWithin(other, 0, status) ? 0 : 1);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("victim.signal", Eq(SIGKILL)),
               Count("sharer.signal", Eq(SIGKILL)), Count("kills", Eq(1)),
               Count("kills_after", Eq(1)), Count("other.alive", Eq(1)));
}

const Register kSharedMmKilled{
    {.id = "oom/shared_mm_killed",
     .summary = "all processes that share the victim's memory die with it",
     .explains =
         {.claim = "Seed 2 (clone with CLONE_VM instead of fork): what shares "
                   "memory shares its end",
          .deed = "lets a process and its CLONE_VM sharer hold the most in a "
                  "full cgroup",
          .functions = "__oom_kill_process, process_shares_mm",
          .look_at = "sharer.signal 0: it outlived the victim"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
