// SPDX-License-Identifier: Apache-2.0
// A victim's threads die together, wherever they sleep; and a process whose
// first thread is gone is still seen by the killer.
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr int kDeadline = 5000;

void* ReadAPipe(void*) {
  int ends[2];
  char byte = 0;
  if (pipe(ends) == 0) (void)!read(ends[0], &byte, 1);
  return nullptr;
}

void* Pause(void*) { WaitForever(); }

void* Sleep(void*) {
  const timespec day = {.tv_sec = 86400, .tv_nsec = 0};
  for (;;) nanosleep(&day, nullptr);
}

void* LockTwice(void*) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
  return nullptr;
}

void StartThreads(Trace& trace) {
  for (const auto body : {ReadAPipe, Pause, Sleep, LockTwice}) {
    pthread_t thread;
    const int error = pthread_create(&thread, nullptr, body, nullptr);
    if (error != 0) trace.Stop("pthread_create", error);
  }
}

// The victim: all of its memory first, then threads.
pid_t StartVictim(Trace& trace, Gate& ready, bool without_leader) {
  return StartChild(trace, [&] {
    SetAdj(trace, 0, 500);
    RunFirst();
    StartThreads(trace);
    HoldAnonymous(trace, 8_MiB);
    trace.Set("threads", FieldIn("/proc/self/status", "Threads"));
    ready.Open();
    // Only this thread: a zombie until the others are gone.
    if (without_leader) syscall(SYS_exit, 0);
    WaitForever();
  });
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  Gate ready(trace);
  Ballast ballast(trace);
  const std::int64_t kills = Kills(f);
  const pid_t victim = StartVictim(trace, ready, p["leader"] == "gone");
  ready.Pass();
  const pid_t other =
      StartPlayer(trace, ready, 500, [&] { HoldAnonymous(trace, 4_MiB); });
  int status = 0;
  trace.Set("ended_before", EndsWithin(victim, 0, status) ? 1 : 0);
  ballast.GrowUntilKill(f);
  const bool ended = EndsWithin(victim, kDeadline, status);
  trace.Set("victim.signal", ended ? WTERMSIG(status) : 0);
  trace.Set("second_wait", waitpid(victim, &status, 0) < 0 ? errno : 0);
  trace.Set("left", kill(victim, 0) < 0 ? errno : 0);
  ballast.Grow(7_MiB);
  trace.Set("kills", Kills(f) - kills);
  trace.Set("other.alive", EndsWithin(other, 0, status) ? 0 : 1);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("threads", Eq(5)),
               Count("ended_before", Eq(0)),
               Count("victim.signal", Eq(SIGKILL)),
               Count("second_wait", Eq(ECHILD)), Count("left", Eq(ESRCH)),
               Count("kills", Eq(1)), Count("other.alive", Eq(1)));
}

const Register kThreadGroup{
    {.id = "oom/thread_group",
     .summary = "all threads of the victim die, its waiter sees one SIGKILL",
     .explains =
         {.claim = "Seed 0: who touches too much is killed, as a process",
          .deed = "fills a cgroup around a process with threads that sleep in "
                  "the kernel; with leader=gone its first thread has exited",
          .functions = "find_lock_task_mm, do_send_sig_info with PIDTYPE_TGID",
          .look_at = "with leader=gone the other one dies where only first "
                     "threads are looked at"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB},
     .params = {{"leader", {"waits", "gone"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
