// SPDX-License-Identifier: Apache-2.0
// A thread that touches one page, for cases where it waits for a pager; and
// what the pager is told of it.
#pragma once

#include <atomic>

#include "oomgate/threads.h"
#include "oomgate/userfaultfd.h"

namespace oomgate {

// Milliseconds, for what must happen and for what must not.
inline constexpr int kSoon = 5000;
inline constexpr int kStill = 50;

// The next message of the pager; of event 0 where none comes.
inline uffd_msg NextMessage(const Userfaultfd& pager) {
  uffd_msg message = {};
  pollfd wait = {.fd = pager.fd(), .events = POLLIN, .revents = 0};
  const bool told =
      poll(&wait, 1, kSoon) == 1 && (wait.revents & POLLIN) != 0 &&
      read(pager.fd(), &message, sizeof message) == sizeof message;
  return told ? message : uffd_msg{};
}

inline bool IsAt(const uffd_msg& message, const char* page) {
  return message.event == UFFD_EVENT_PAGEFAULT &&
         message.arg.pagefault.address ==
             reinterpret_cast<std::uintptr_t>(page);
}

// Reads the first byte of a page that a pager looks after, or writes 1 there.
class Toucher {
 public:
  Toucher(Trace& trace, Userfaultfd& pager, char* page, bool write)
      : pager_(pager), page_(page), write_(write) {
    thread_ = StartThread(trace, *this);
  }
  ~Toucher() {
    // Whatever went wrong: without a pager nobody waits.
    pager_.Close();
    Join(thread_);
  }
  Toucher(const Toucher&) = delete;
  Toucher& operator=(const Toucher&) = delete;

  // What the page began with when it was touched, or -1 where it still waits
  // after that time.
  int Seen(int milliseconds) const {
    HoldsWithin(milliseconds, [&] { return seen_ != -1; });
    return seen_;
  }
  // The thread's deed.
  void operator()() {
    volatile char* const page = page_;
    // A write comes first: the first access is what the pager is told of.
    if (write_) *page = 1;
    seen_ = *page;
  }

 private:
  Userfaultfd& pager_;
  char* page_;
  bool write_;
  std::atomic<int> seen_ = -1;
  pthread_t thread_ = {};
};

}  // namespace oomgate
