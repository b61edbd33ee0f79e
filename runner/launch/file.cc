// SPDX-License-Identifier: Apache-2.0
// Kernel interface files, read and written whole by raw system calls.
#include "runner/launch/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace oomgate {

std::string ReadFile(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  // Grows by what is there: PID 1 is to stay small.
  std::string text;
  char chunk[4096];
  while (text.size() < most) {
    const ssize_t n =
        read(fd, chunk, std::min(sizeof chunk, most - text.size()));
    if (n <= 0) break;
    text.append(chunk, static_cast<std::size_t>(n));
  }
  close(fd);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool WriteFile(const std::string& path, std::string_view value) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = write(fd, value.data(), value.size());
  close(fd);
  return n == static_cast<ssize_t>(value.size());
}

long long FieldOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    if (line.starts_with(key) && line.size() > key.size() &&
        (line[key.size()] == ':' || line[key.size()] == ' ')) {
      line.remove_prefix(key.size() + 1);
      return std::strtoll(std::string(line).c_str(), nullptr, 10);
    }
    if (newline == std::string_view::npos) break;
    text.remove_prefix(newline + 1);
  }
  return -1;
}

}  // namespace oomgate
