// SPDX-License-Identifier: Apache-2.0
// execve as a question, asked by a child that shares the memory of its parent,
// so that nothing else is charged.
#pragma once

#include <sys/ptrace.h>

#include "oomgate/case.h"

namespace oomgate {

inline constexpr int kKilled = 1000;  // and the signal

// What execveat(2) says to these arguments, without an environment: its errno,
// kKilled where it killed the child; 0 where the program is stopped at its
// first instruction. The child does `before` first.
template <typename Before>
int TryExec(Trace& trace, int folder, const char* path, char* const* arguments,
            Before before) {
  static volatile int error;
  static char* const environment[] = {nullptr};
  error = 0;
  const pid_t child = vfork();
  if (child == 0) {
    before();
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    syscall(SYS_execveat, folder, path, arguments, environment, AT_EMPTY_PATH);
    error = errno;
    _exit(0);
  }
  Must(trace, "vfork", child);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) {
    EndChild(child);
    // What would have killed it stops it as well.
    const int signal = WSTOPSIG(status);
    return signal == SIGTRAP ? 0 : kKilled + signal;
  }
  return WIFSIGNALED(status) ? kKilled + WTERMSIG(status) : error;
}

}  // namespace oomgate
