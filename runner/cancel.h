// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a descriptor: everything that waits, waits on this too.
#pragma once

namespace oomgate {

// Readable (never drained) from the moment that SIGINT or SIGTERM arrived.
class Cancel {
 public:
  // Blocks SIGINT and SIGTERM for this and all later threads.
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
