// SPDX-License-Identifier: Apache-2.0
// Children of a subject: starting them, telling them to go on, waiting for
// them. Nothing here allocates. A child lives in its subject's box, and dies
// with it.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/trace.h"

namespace oomgate {

// The name (comm) under which the kernel reports children.
inline constexpr const char* kChildName = "oomgate-child";

// fork(2) and vfork(2) as questions: 0 where the kernel allows it (the child
// ended at once, and is reaped), else errno.
int TryFork();
int TryVfork();

// Forks a child that runs `body` and exits with 0. Stops the subject where
// there is no fork.
template <typename Body>
pid_t StartChild(Trace& trace, Body body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) trace.Stop("fork of a child", errno);
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  prctl(PR_SET_NAME, kChildName);
  // Else each page of it is a fault of the child, when it sets a value.
  trace.MakePresent();
  body();
  _exit(0);
}

// Waits until the child is dead; its wait(2) status. Not having to wait for
// ever is the deadline of the subject.
int Reap(pid_t child);
// True where it has ended within that time; it is reaped then, and `status`
// set.
bool EndsWithin(pid_t child, int milliseconds, int& status);
// Kills it, and reaps it.
void EndChild(pid_t child);

// Runs `body` in a child, to its end: its wait(2) status.
template <typename Body>
int RunChild(Trace& trace, Body body) {
  return Reap(StartChild(trace, body));
}

// The state of a process as proc(5) tells it: 'R', 'S', 'D', 'T', 'Z'; 0 where
// there is none.
char ProcessState(pid_t pid);

// One process waits until another lets it pass: made before the fork that
// parts them, used any number of times, in one direction.
class Gate {
 public:
  explicit Gate(Trace& trace);
  void Open();  // lets one waiter pass, now or later
  void Pass();

 private:
  int ends_[2];
};

// Keeps the calling thread, and who it starts later, on one CPU.
void RunOnCpu(Trace& trace, int cpu);

// Takes a capability (CAP_…) from the calling process, for good.
void DropCapability(Trace& trace, int capability);

}  // namespace oomgate
