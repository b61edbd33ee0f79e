// SPDX-License-Identifier: Apache-2.0
// The kernel's log from a mark on: /dev/kmsg, nothing consumed for others.
#pragma once

#include <chrono>
#include <string>

namespace oomgate {

class KernelLog {
 public:
  // Marks the end of what the log holds now.
  KernelLog();
  ~KernelLog();
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;

  // All messages since the mark, a line each, without their prefixes.
  const std::string& Text();
  // Waits until Text() holds `part`; false when `deadline` passes first.
  bool WaitFor(const std::string& part, std::chrono::milliseconds deadline);

 private:
  int fd_ = -1;
  std::string text_;
};

}  // namespace oomgate
