// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a descriptor: a signalfd.
#include "runner/cancel.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace oomgate {

Cancel::Cancel() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Cancel::~Cancel() { close(fd_); }

bool Cancel::requested() const {
  pollfd pending{fd_, POLLIN, 0};
  return poll(&pending, 1, 0) == 1;
}

}  // namespace oomgate
