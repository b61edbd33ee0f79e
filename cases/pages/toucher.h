// SPDX-License-Identifier: Apache-2.0
// A thread that touches one page, for cases where it waits for a pager; and
// what the pager is told of it.
#pragma once

#include <poll.h>
#include <pthread.h>

#include <atomic>

#include "oomgate/userfaultfd.h"

namespace oomgate {

// Milliseconds, for what must happen and for what must not.
inline constexpr int kSoon = 5000;
inline constexpr int kStill = 50;

// Waits for the next message; whether it came.
inline bool Told(const Userfaultfd& pager, uffd_msg& message) {
  pollfd wait = {.fd = pager.fd(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, kSoon) == 1 && (wait.revents & POLLIN) != 0 &&
         read(pager.fd(), &message, sizeof message) == sizeof message;
}

inline bool IsAt(const uffd_msg& message, const char* page) {
  return message.event == UFFD_EVENT_PAGEFAULT &&
         message.arg.pagefault.address ==
             reinterpret_cast<std::uintptr_t>(page);
}

// Reads the page's first byte, or writes 1 there.
class Toucher {
 public:
  Toucher(Trace& trace, char* page, bool write)
      : trace_(trace), page_(page), write_(write) {}
  Toucher(const Toucher&) = delete;
  Toucher& operator=(const Toucher&) = delete;

  void Start() {
    const auto run = [](void* self) -> void* {
      static_cast<Toucher*>(self)->Touch();
      return nullptr;
    };
    const int error = pthread_create(&thread_, nullptr, run, this);
    if (error != 0) trace_.Stop("pthread_create", error);
  }
  // What the page began with when it was touched, or -1 where it still waits
  // after that time.
  int Seen(int milliseconds) const {
    HoldsWithin(milliseconds, [&] { return seen_ != -1; });
    return seen_;
  }
  void Join() { pthread_join(thread_, nullptr); }

 private:
  void Touch() {
    volatile char* const page = page_;
    // A write comes first: the first access is what the pager is told of.
    if (write_) *page = 1;
    seen_ = *page;
  }

  Trace& trace_;
  char* page_;
  bool write_;
  std::atomic<int> seen_ = -1;
  pthread_t thread_ = {};
};

}  // namespace oomgate
