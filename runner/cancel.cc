// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a descriptor: a signalfd.
#include "runner/cancel.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runner/error.h"

namespace oomgate {
namespace {

// Ignored on purpose: by nohup, or a shell's background.
bool Ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 &&
         action.sa_handler == SIG_IGN;
}

sigset_t CtrlC() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // Blocked, it would come through even where it is ignored.
  if (!Ignored(SIGHUP)) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void EndOnCtrlC() {
  struct sigaction action {};
  action.sa_handler = [](int) { _exit(kExitInterrupted); };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!Ignored(signal)) sigaction(signal, &action, nullptr);
  }
}

HoldCtrlC::HoldCtrlC() {
  const sigset_t set = CtrlC();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

HoldCtrlC::~HoldCtrlC() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Cancel::Cancel() {
  const sigset_t set = CtrlC();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Cancel::~Cancel() { close(fd_); }

bool Cancel::requested() const {
  pollfd pending{fd_, POLLIN, 0};
  return poll(&pending, 1, 0) == 1;
}

}  // namespace oomgate
