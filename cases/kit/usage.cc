// SPDX-License-Identifier: Apache-2.0
// What the kernel says: raw reads, one static buffer, no allocation.
#include "oomgate/usage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace oomgate {
namespace {

char buffer[32 << 10];

// Calls `take` with every line of a file of any size.
template <typename Take>
bool EachLine(const char* path, Take take) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::size_t filled = 0;
  for (;;) {
    const ssize_t n = read(fd, buffer + filled, sizeof buffer - filled);
    if (n > 0) filled += static_cast<std::size_t>(n);
    std::string_view text(buffer, filled);
    std::size_t newline = 0;
    while ((newline = text.find('\n')) != std::string_view::npos) {
      take(text.substr(0, newline));
      text.remove_prefix(newline + 1);
    }
    if (n <= 0 || text.size() == sizeof buffer) {
      if (!text.empty()) take(text);
      break;
    }
    std::memmove(buffer, text.data(), text.size());
    filled = text.size();
  }
  close(fd);
  return true;
}

std::int64_t Leading(std::string_view text) {
  std::int64_t n = 0;
  std::size_t i = text.find_first_not_of(" \t");
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    n = n * 10 + (text[i] - '0');
  }
  return n;
}

// The number in "<key>: 123 kB" or "<key> 123"; false for another key.
bool Field(std::string_view line, std::string_view key, std::int64_t& out) {
  if (!line.starts_with(key) || line.size() <= key.size()) return false;
  const char next = line[key.size()];
  if (next != ':' && next != ' ' && next != '\t') return false;
  out = Leading(line.substr(key.size() + 1));
  return true;
}

std::int64_t FieldIn(const char* path, std::string_view key) {
  std::int64_t value = -1;
  EachLine(path, [&](std::string_view line) { Field(line, key, value); });
  return value;
}

Bytes Kilobytes(std::int64_t kb) { return kb < 0 ? Bytes{-1} : kb * 1_KiB; }

// Sums over the mappings of one process between two addresses.
MappingUsage ReadSmaps(const char* path, std::uintptr_t first,
                       std::uintptr_t last) {
  MappingUsage sum;
  bool inside = false;
  Bytes size;
  EachLine(path, [&](std::string_view line) {
    std::int64_t kb = 0;
    // A header, "start-end perms …", begins with a hexadecimal digit.
    if (const char c = line.empty() ? 'X' : line[0];
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
      char* end = nullptr;
      const std::uintptr_t from = std::strtoull(line.data(), &end, 16);
      const std::uintptr_t to = std::strtoull(end + 1, nullptr, 16);
      inside = from < last && to > first;
      size = Bytes{static_cast<std::int64_t>(to - from)};
      if (inside) ++sum.mappings;
      return;
    }
    if (!inside) return;
    if (Field(line, "Rss", kb)) sum.rss += kb * 1_KiB;
    if (Field(line, "Private_Dirty", kb)) sum.private_dirty += kb * 1_KiB;
    if (Field(line, "AnonHugePages", kb)) sum.anon_huge += kb * 1_KiB;
    if (Field(line, "Swap", kb)) sum.swap += kb * 1_KiB;
    if (line.starts_with("VmFlags:") &&
        line.find(" ac") != std::string_view::npos) {
      sum.accounted += size;
    }
  });
  return sum;
}

}  // namespace

Usage ReadUsage() {
  rusage self = {};
  getrusage(RUSAGE_SELF, &self);
  return {self.ru_minflt, Kilobytes(FieldIn("/proc/self/status", "VmPTE"))};
}

MappingUsage ReadMapping(const Range& range) {
  return ReadSmaps("/proc/self/smaps",
                   reinterpret_cast<std::uintptr_t>(range.start),
                   reinterpret_cast<std::uintptr_t>(range.end()));
}

Bytes AccountedOfAll() {
  Bytes sum;
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Not opendir: that allocates, which is charged too.
  static char entries[8 << 10];
  for (;;) {
    const long n = syscall(SYS_getdents64, proc, entries, sizeof entries);
    if (n <= 0) break;
    for (long at = 0; at < n;) {
      // struct linux_dirent64: d_reclen at 16, d_name at 19.
      std::uint16_t length = 0;
      std::memcpy(&length, entries + at + 16, sizeof length);
      const char* const name = entries + at + 19;
      if (*name >= '0' && *name <= '9') {
        char path[32];
        std::snprintf(path, sizeof path, "/proc/%.10s/smaps", name);
        sum += ReadSmaps(path, 0, UINTPTR_MAX).accounted;
      }
      at += length;
    }
  }
  close(proc);
  return sum;
}

Bytes Meminfo(const char* field) {
  return Kilobytes(FieldIn("/proc/meminfo", field));
}

std::int64_t Vmstat(const char* counter) {
  return FieldIn("/proc/vmstat", counter);
}

std::int64_t NumberIn(const char* path) {
  std::int64_t value = -1;
  EachLine(path, [&](std::string_view line) {
    if (value < 0) value = Leading(line);
  });
  return value;
}

Bytes NodeMeminfo(int node, const char* field) {
  char path[64];
  std::snprintf(path, sizeof path, "/sys/devices/system/node/node%d/meminfo",
                node);
  std::int64_t kb = -1;
  EachLine(path, [&](std::string_view line) {
    // "Node 1 MemFree:  123 kB"
    for (int word = 0; word < 2; ++word) {
      line.remove_prefix(std::min(line.size(), line.find(' ') + 1));
    }
    Field(line, field, kb);
  });
  return Kilobytes(kb);
}

void RefreshVmstat() {
  const int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, "1", 1);
  close(fd);
}

}  // namespace oomgate
