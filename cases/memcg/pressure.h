// SPDX-License-Identifier: Apache-2.0
// Pressure stall information of a cgroup: memory.pressure.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// Microseconds that some, or all, tasks of the group were stalled, from one
// read: the kernel adds to both at a time. -1 where it does not say.
struct Stalls {
  explicit Stalls(const Group& group) {
    char text[512] = {};
    const int file =
        open(group.PathOf("memory.pressure").text, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    (void)!read(file, text, sizeof text - 1);
    close(file);
    const auto total = [&](const char* who) -> std::int64_t {
      const char* at = std::strstr(text, who);
      if (at != nullptr) at = std::strstr(at, "total=");
      return at == nullptr ? -1 : std::atoll(at + 6);
    };
    some = total("some");
    full = total("full");
  }
  std::int64_t some = -1;
  std::int64_t full = -1;
};

}  // namespace oomgate
