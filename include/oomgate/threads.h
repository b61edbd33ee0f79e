// SPDX-License-Identifier: Apache-2.0
// Threads of a subject. glibc allocates for each: start them before what must
// not allocate.
#pragma once

#include <pthread.h>

#include "oomgate/model/units.h"
#include "oomgate/process.h"
#include "oomgate/trace.h"

namespace oomgate {

// The least that glibc takes: for threads that only wait.
inline constexpr Bytes kLeastStack = 16_KiB;

// pthread_create(3): 0 or its error, as it is no errno. `stack` is the size, at
// least, of its stack, of which it has what it touches.
int TryStartThread(pthread_t& thread, void* (*run)(void*), void* argument,
                   Bytes stack);
// As a question: 0 where the kernel allows it (the thread ended at once, and is
// joined), else the error. With the stack that glibc gives by default.
int TryThread();

// Starts a thread that runs `body`, which the caller keeps until it ends; join
// it, or let the process end it. Stops the subject where there is none.
template <typename Body>
pthread_t StartThread(Trace& trace, Body& body, Bytes stack = 256_KiB) {
  const auto run = [](void* at) -> void* {
    (*static_cast<Body*>(at))();
    return nullptr;
  };
  pthread_t thread = {};
  const int error = TryStartThread(thread, run, &body, stack);
  if (error != 0) trace.Stop("pthread_create", error);
  return thread;
}
inline void Join(pthread_t thread) { pthread_join(thread, nullptr); }

// Threads that do nothing but be there, until this ends them all at once.
template <int kCount>
class IdleThreads {
 public:
  // `stack`: the size of each one's stack, at least.
  explicit IdleThreads(Trace& trace, Bytes stack = kLeastStack) : gate_(trace) {
    for (pthread_t& thread : threads_) {
      thread = StartThread(trace, wait_, stack);
    }
  }
  ~IdleThreads() { End(); }
  IdleThreads(const IdleThreads&) = delete;
  IdleThreads& operator=(const IdleThreads&) = delete;

  // They are gone when this returns.
  void End() {
    if (ended_) return;
    ended_ = true;
    for (int i = 0; i < kCount; ++i) gate_.Open();
    for (const pthread_t thread : threads_) Join(thread);
  }

 private:
  struct Wait {
    Gate& gate;
    void operator()() const { gate.Pass(); }
  };
  Gate gate_;
  Wait wait_{gate_};
  pthread_t threads_[kCount];
  bool ended_ = false;
};

}  // namespace oomgate
