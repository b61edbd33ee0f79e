// SPDX-License-Identifier: Apache-2.0
// Knobs of the kernel's, and what the scanners of memory have done.
#include "oomgate/knobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "oomgate/usage.h"

namespace oomgate {

void WriteKnob(Trace& trace, const char* path, const char* value) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const auto length = static_cast<ssize_t>(std::strlen(value));
  if (fd < 0 || write(fd, value, static_cast<std::size_t>(length)) != length) {
    trace.Stop(path, errno);
  }
  close(fd);
}

bool AwaitScans(const KernelFolder& scanner, int scans, int milliseconds) {
  const std::int64_t until = scanner.Number("full_scans") + scans;
  return HoldsWithin(milliseconds,
                     [&] { return scanner.Number("full_scans") >= until; });
}

}  // namespace oomgate
