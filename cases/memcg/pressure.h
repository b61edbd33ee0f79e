// SPDX-License-Identifier: Apache-2.0
// Pressure stall information of a cgroup: memory.pressure.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "oomgate/case.h"

namespace oomgate {

// Microseconds that "some", or "full"y all, tasks of the group were stalled;
// -1 where the kernel does not say.
inline std::int64_t Stalled(const Group& group, const char* who) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.pressure", group.folder());
  char text[512] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  (void)!read(file, text, sizeof text - 1);
  close(file);
  const char* at = std::strstr(text, who);
  if (at != nullptr) at = std::strstr(at, "total=");
  return at == nullptr ? -1 : std::atoll(at + 6);
}

}  // namespace oomgate
