// SPDX-License-Identifier: Apache-2.0
// Mapping and touching memory, for subjects. Nothing here allocates; what fails
// ends the subject through Trace::Stop.
#pragma once

#include <sys/mman.h>

#include <cstdint>

#include "oomgate/facts.h"
#include "oomgate/model/units.h"
#include "oomgate/trace.h"

namespace oomgate {

// Anonymous memory that a process of ours has beside what it maps: its data,
// stack and heap. Measured up to 0.55 MiB; it grows with the catalogue.
inline constexpr Bytes kOwnAnon = 1_MiB;

struct Range {
  char* start = nullptr;
  Bytes size = {};
  // The address space that it stands in, guards included.
  char* reserved = nullptr;
  Bytes reserved_size = {};
  char* end() const { return start + size.count; }
  Range Part(Bytes offset, Bytes length) const {
    return {.start = start + offset.count, .size = length};
  }
};

struct MapOptions {
  int prot = PROT_READ | PROT_WRITE;
  // MAP_NORESERVE by default: a case that is not about overcommit must not be
  // refused by it.
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  Bytes align = kHugePage;
  // kSmall asks for 4 KiB pages, whatever the machine's THP setting.
  enum Pages { kSmall, kHuge, kDefault } pages = kSmall;
};

// As system calls take it.
constexpr std::size_t Length(Bytes size) {
  return static_cast<std::size_t>(size.count);
}

// Maps `size`, aligned, between two guards that keep neighbours (and their
// page tables) away.
Range MapAnonymous(Trace& trace, Bytes size, const MapOptions& options = {});
// Maps a file in the same way; of a memfd, too.
Range MapFile(Trace& trace, int fd, Bytes size, int prot, int flags);
// Unmaps the range together with its guards.
void Unmap(Trace& trace, const Range& range);

// Reads or writes one byte at every `stride`. Counts in the trace, visibly at
// every step: "touches", and for writes also "written" (bytes, whole pages).
void ReadPages(Trace& trace, const Range& range, Bytes stride = kPage);
void WritePages(Trace& trace, const Range& range, Bytes stride = kPage);

// mmap(2) as a question: 0 where the kernel allows it (and it is unmapped
// again), else errno.
int TryMap(Bytes size, int prot, int flags);

// madvise(2) as a question: 0 where the kernel takes the advice, else errno.
int TryAdvise(const Range& range, int advice);

// How many of the bytes at every `stride` are not `expected`: a read of each.
std::int64_t CountOther(const Range& range, char expected,
                        Bytes stride = kPage);

// The largest number up to `limit` that `fits`, by bisection; 0 where none
// does. What is asked must be monotone.
template <typename Fits>
std::int64_t Largest(std::int64_t limit, Fits fits) {
  std::int64_t good = 0;
  std::int64_t bad = limit + 1;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good;
}

// The largest mapping, in whole pages, that the kernel allows, up to `limit`.
Bytes LargestMap(int prot, int flags, Bytes limit);

// Waits for a signal to die of. For bystanders and children.
[[noreturn]] void WaitForever();

}  // namespace oomgate
