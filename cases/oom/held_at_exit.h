// SPDX-License-Identifier: Apache-2.0
// A child that was killed and cannot end: a tracer holds it where it exits,
// with all its memory.
#pragma once

#include <sys/ptrace.h>

#include "oomgate/case.h"

namespace oomgate::oom {

inline void HoldAtExit(Trace& trace, pid_t child) {
  Must(trace, "PTRACE_SEIZE",
       ptrace(PTRACE_SEIZE, child, nullptr, PTRACE_O_TRACEEXIT));
}

inline void WaitUntilHeld(Trace& trace, pid_t child) {
  int status = 0;
  if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status) ||
      status >> 8 != (SIGTRAP | (PTRACE_EVENT_EXIT << 8))) {
    trace.Stop("the child is not held at its exit", errno);
  }
}

// Lets it end: the signal that it died of.
inline int LetEnd(Trace& trace, pid_t child) {
  Must(trace, "PTRACE_CONT", ptrace(PTRACE_CONT, child, nullptr, nullptr));
  return WTERMSIG(Reap(child));
}

}  // namespace oomgate::oom
