// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a descriptor: everything that waits, waits on this too.
#pragma once

#include <csignal>

namespace oomgate {

// Until there is a Cancel nothing is to be ended in order: SIGINT, SIGTERM and
// SIGHUP (a terminal that went away; not under nohup) end this process at once,
// by the exit code for it.
void EndOnCtrlC();

// Holds them back: for what must be undone once it was done.
class HoldCtrlC {
 public:
  HoldCtrlC();
  ~HoldCtrlC();
  HoldCtrlC(const HoldCtrlC&) = delete;
  HoldCtrlC& operator=(const HoldCtrlC&) = delete;

 private:
  sigset_t before_;
};

// Readable (never drained) from the moment that one of these arrived.
class Cancel {
 public:
  // Blocks them for this and all later threads.
  Cancel();
  ~Cancel();
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;

  int fd() const { return fd_; }
  bool requested() const;

 private:
  int fd_ = -1;  // a signalfd
};

}  // namespace oomgate
