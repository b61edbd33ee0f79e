// SPDX-License-Identifier: Apache-2.0
// What the kernel says: raw reads, one static buffer, no allocation.
#include "oomgate/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "cases/kit/own_pages.h"

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

Bytes Kilobytes(std::int64_t kb) { return kb < 0 ? Bytes{-1} : kb * 1_KiB; }

struct Addresses {
  std::uintptr_t first = 0;
  std::uintptr_t last = UINTPTR_MAX;
  bool Overlap(std::uintptr_t from, std::uintptr_t to) const {
    return from < last && to > first;
  }
};

Addresses AddressesOf(const Range& range) {
  return {reinterpret_cast<std::uintptr_t>(range.start),
          reinterpret_cast<std::uintptr_t>(range.end())};
}

// Calls `take` with every line that smaps has of the mappings between two
// addresses, and with the size of the mapping; its header comes first.
template <typename Take>
void EachSmapsLine(const char* path, const Addresses& addresses, Take take) {
  bool inside = false;
  Bytes size;
  EachLine(path, [&](std::string_view line) {
    // A header, "start-end perms …", begins with a hexadecimal digit.
    const char c = line.empty() ? 'X' : line[0];
    const bool header = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (header) {
      char* end = nullptr;
      const std::uintptr_t from = std::strtoull(line.data(), &end, 16);
      const std::uintptr_t to = std::strtoull(end + 1, nullptr, 16);
      inside = addresses.Overlap(from, to);
      size = Bytes{static_cast<std::int64_t>(to - from)};
    }
    if (inside) take(line, size, header);
  });
}

bool HasFlag(std::string_view line, std::string_view flag) {
  if (!line.starts_with("VmFlags:")) return false;
  for (std::size_t at = line.find(flag); at != std::string_view::npos;
       at = line.find(flag, at + 1)) {
    const std::size_t end = at + flag.size();
    if (line[at - 1] == ' ' && (end == line.size() || line[end] == ' ')) {
      return true;
    }
  }
  return false;
}

// Calls `take` with the folder of every process.
template <typename Take>
void EachProcess(Take take) {
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
      if (*name >= '0' && *name <= '9') take(name);
      at += length;
    }
  }
  close(proc);
}

}  // namespace

Usage ReadUsage() {
  rusage self = {};
  getrusage(RUSAGE_SELF, &self);
  return {self.ru_minflt, Kilobytes(FieldIn("/proc/self/status", "VmPTE"))};
}

MappingUsage ReadMapping(const Range& range) {
  MappingUsage sum;
  EachSmapsLine("/proc/self/smaps", AddressesOf(range),
                [&](std::string_view line, Bytes size, bool header) {
                  std::int64_t kb = 0;
                  if (header) ++sum.mappings;
                  if (Field(line, "Rss", kb)) sum.rss += kb * 1_KiB;
                  if (Field(line, "Private_Dirty", kb)) {
                    sum.private_dirty += kb * 1_KiB;
                  }
                  if (Field(line, "AnonHugePages", kb)) {
                    sum.anon_huge += kb * 1_KiB;
                  }
                  if (Field(line, "Swap", kb)) sum.swap += kb * 1_KiB;
                  if (HasFlag(line, "ac")) sum.accounted += size;
                });
  return sum;
}

Bytes MappingField(const Range& range, const char* field) {
  Bytes sum;
  EachSmapsLine("/proc/self/smaps", AddressesOf(range),
                [&](std::string_view line, Bytes, bool header) {
                  std::int64_t kb = 0;
                  if (!header && Field(line, field, kb)) sum += kb * 1_KiB;
                });
  return sum;
}

bool MappingHasFlag(const Range& range, const char* flag) {
  int mappings = 0;
  int with_flag = 0;
  EachSmapsLine("/proc/self/smaps", AddressesOf(range),
                [&](std::string_view line, Bytes, bool header) {
                  mappings += header ? 1 : 0;
                  with_flag += HasFlag(line, flag) ? 1 : 0;
                });
  return mappings > 0 && mappings == with_flag;
}

std::int64_t ResidentPages(const Range& range) {
  constexpr Bytes kAtOnce = 512 * kPage;  // the stack is small
  unsigned char present[kAtOnce / kPage];
  std::int64_t pages = 0;
  for (Bytes at; at < range.size; at += kAtOnce) {
    const Bytes part = std::min(kAtOnce, range.size - at);
    if (mincore(range.start + at.count, Length(part), present) != 0) {
      return -errno;
    }
    const std::int64_t asked = (part + kPage - 1_B) / kPage;
    for (std::int64_t i = 0; i < asked; ++i) pages += present[i] & 1;
  }
  return pages;
}

std::int64_t PagesOnNode(const Range& range, int node) {
  const Addresses addresses = AddressesOf(range);
  char key[16];
  const int length = std::snprintf(key, sizeof key, " N%d=", node);
  std::int64_t pages = 0;
  EachLine("/proc/self/numa_maps", [&](std::string_view line) {
    // "7f0000000000 default anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=4":
    // only where the mapping begins is told.
    const std::uintptr_t from = std::strtoull(line.data(), nullptr, 16);
    if (from < addresses.first || from >= addresses.last) return;
    const std::size_t at =
        line.find(std::string_view(key, static_cast<std::size_t>(length)));
    if (at != std::string_view::npos) {
      pages += Leading(line.substr(at + static_cast<std::size_t>(length)));
    }
  });
  return pages;
}

Bytes StatusField(const char* field, int pid) {
  char path[32] = "/proc/self/status";
  if (pid != 0) std::snprintf(path, sizeof path, "/proc/%d/status", pid);
  return Kilobytes(FieldIn(path, field));
}

AllUsage ReadAllUsage() {
  AllUsage sum;
  EachProcess([&](const char* pid) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%.10s/smaps", pid);
    EachSmapsLine(path, {}, [&](std::string_view line, Bytes size, bool) {
      std::int64_t kb = 0;
      if (HasFlag(line, "ac")) sum.accounted += size;
      if (Field(line, "Anonymous", kb)) sum.anonymous += kb * 1_KiB;
    });
    std::snprintf(path, sizeof path, "/proc/%.10s/status", pid);
    const std::int64_t kb = FieldIn(path, "VmPTE");
    if (kb > 0) sum.page_tables += kb * 1_KiB;
  });
  return sum;
}

Bytes Meminfo(const char* field) {
  return Kilobytes(FieldIn("/proc/meminfo", field));
}

std::int64_t Vmstat(const char* counter) {
  return FieldIn("/proc/vmstat", counter);
}

std::int64_t FieldIn(const char* path, const char* key) {
  std::int64_t value = -1;
  EachLine(path, [&](std::string_view line) { Field(line, key, value); });
  return value;
}

std::int64_t NumberIn(const char* path) {
  std::int64_t value = -1;
  EachLine(path, [&](std::string_view line) {
    if (value < 0) value = Leading(line);
  });
  return value;
}

Bytes PerCpuPages() {
  std::int64_t pages = 0;
  EachLine("/proc/zoneinfo", [&](std::string_view line) {
    std::int64_t count = 0;
    const std::size_t text = line.find_first_not_of(' ');
    if (text == std::string_view::npos) return;
    if (Field(line.substr(text), "count", count)) pages += count;
  });
  return pages * kPage;
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

void OwnPages() {
  std::memset(buffer, 0, sizeof buffer);
  *const_cast<volatile int*>(&errno) = 0;
}

void RefreshVmstat() {
  const int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!write(fd, "1", 1);
  close(fd);
}

}  // namespace oomgate
