// SPDX-License-Identifier: Apache-2.0
// The kernel's log from a mark on.
#include "cases/kit/kernel_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace oomgate {

KernelLog::KernelLog()
    : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_ >= 0) lseek(fd_, 0, SEEK_END);
}

KernelLog::~KernelLog() {
  if (fd_ >= 0) close(fd_);
}

const std::string& KernelLog::Text() {
  char record[8192];
  while (fd_ >= 0) {
    const ssize_t n = read(fd_, record, sizeof record);
    if (n < 0 && errno == EPIPE) continue;  // overrun: older ones are gone
    if (n <= 0) break;
    // "priority,sequence,time,flags;message\n KEY=value\n…"
    std::string_view line(record, static_cast<std::size_t>(n));
    line.remove_prefix(line.find(';') + 1);
    text_ += line.substr(0, line.find('\n'));
    text_ += '\n';
  }
  return text_;
}

bool KernelLog::WaitFor(const std::string& part,
                        std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (Text().find(part) == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (fd_ < 0 || left.count() <= 0) return false;
    pollfd more{fd_, POLLIN, 0};
    poll(&more, 1, static_cast<int>(left.count()));
  }
  return true;
}

}  // namespace oomgate
