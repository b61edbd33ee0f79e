// SPDX-License-Identifier: Apache-2.0
// Kernel interface files, read and written whole by raw system calls.
#include "runner/launch/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace oomgate {

std::string ReadFile(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t n = read(fd, text.data() + size, most - size);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  close(fd);
  while (size > 0 && text[size - 1] == '\n') --size;
  text.resize(size);
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
