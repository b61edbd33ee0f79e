// SPDX-License-Identifier: Apache-2.0
// Which page frame a page is, for cases that ask whether two are the same.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>

#include "oomgate/model/units.h"

namespace oomgate {

// What /proc/self/pagemap says of the page at an address, in the bits of
// Documentation/admin-guide/mm/pagemap; 0 where it cannot be read.
inline std::uint64_t PagemapEntry(const char* at) {
  const auto page = reinterpret_cast<std::uintptr_t>(at) /
                    static_cast<std::uintptr_t>(kPage.count);
  std::uint64_t entry = 0;
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  (void)!pread(fd, &entry, sizeof entry,
               static_cast<off_t>(page * sizeof entry));
  close(fd);
  return entry;
}

// 0 where nothing is mapped, and for those without CAP_SYS_ADMIN.
inline std::uint64_t Frame(const char* at) {
  constexpr std::uint64_t kFrameBits = (1ULL << 55) - 1;
  constexpr std::uint64_t kPresent = 1ULL << 63;
  const std::uint64_t entry = PagemapEntry(at);
  return (entry & kPresent) != 0 ? entry & kFrameBits : 0;
}

}  // namespace oomgate
