// SPDX-License-Identifier: Apache-2.0
// Deeds that end in SIGSEGV or SIGBUS, survived by the process that does them.
#pragma once

#include <setjmp.h>

#include "oomgate/case.h"

namespace oomgate {

namespace caught {
inline sigjmp_buf back;
// A stack of its own: the deed may have used up the other one.
inline char stack[64 << 10];
inline void Return(int signal) { siglongjmp(back, signal); }
}  // namespace caught

// The signal that the deed ends in, 0 where it ends by itself.
template <typename Deed>
int SignalOf(Trace& trace, Deed deed) {
  stack_t other = {};
  other.ss_sp = caught::stack;
  other.ss_size = sizeof caught::stack;
  struct sigaction action = {};
  action.sa_handler = caught::Return;
  action.sa_flags = SA_ONSTACK;
  if (sigaltstack(&other, nullptr) != 0 ||
      sigaction(SIGSEGV, &action, nullptr) != 0 ||
      sigaction(SIGBUS, &action, nullptr) != 0) {
    trace.Stop("catching signals", errno);
  }
  const int signal = sigsetjmp(caught::back, 1);
  if (signal == 0) deed();
  action.sa_handler = SIG_DFL;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  return signal;
}

// The signal that the write of a byte raises; 0 for none.
inline int SignalOfWrite(Trace& trace, char* at) {
  return SignalOf(trace, [at] { *static_cast<volatile char*>(at) = 1; });
}

// A page further down the stack for each call; it returns where memory allows
// it.
[[gnu::noinline]] inline int Recurse(int depth) {
  volatile char frame[4096];
  frame[0] = 1;
  return depth == 0 ? frame[0] : Recurse(depth - 1) + frame[0];
}

}  // namespace oomgate
