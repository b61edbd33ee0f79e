// SPDX-License-Identifier: Apache-2.0
// cgroup v1: who asks to be told of what happens to a group.
#pragma once

#include <sys/eventfd.h>

#include "oomgate/case.h"

namespace oomgate {

// Listens to a file of a group.
class Listener {
 public:
  Listener(Trace& trace, const Group& group, const char* file,
           const char* arguments = "")
      : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        file_(open(group.PathOf(file).text, O_RDONLY | O_CLOEXEC)) {
    char text[64];
    std::snprintf(text, sizeof text, "%d %d %s", event_, file_, arguments);
    group.Set(trace, "cgroup.event_control", text);
  }
  ~Listener() {
    close(file_);
    close(event_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Whether it was told anything since it was asked last.
  bool Told(int milliseconds) const {
    pollfd wait{event_, POLLIN, 0};
    const bool told = poll(&wait, 1, milliseconds) == 1;
    std::uint64_t count = 0;
    (void)!read(event_, &count, sizeof count);
    return told;
  }

 private:
  int event_;
  int file_;
};

}  // namespace oomgate
