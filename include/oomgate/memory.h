// SPDX-License-Identifier: Apache-2.0
// Mapping and touching memory, for subjects. Nothing here allocates; what fails
// ends the subject through Trace::Stop.
#pragma once

#include <sys/mman.h>

#include <cstdint>

#include "oomgate/errno_of.h"
#include "oomgate/facts.h"
#include "oomgate/model/units.h"
#include "oomgate/range.h"
#include "oomgate/trace.h"

namespace oomgate {

// Anonymous memory that a process of ours has beside what it maps: its data,
// stack and heap. Measured up to 0.55 MiB; it grows with the catalogue.
inline constexpr Bytes kOwnAnon = 1_MiB;

struct MapOptions {
  int prot = PROT_READ | PROT_WRITE;
  // MAP_NORESERVE by default: a case that is not about overcommit must not be
  // refused by it.
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  Bytes align = kHugePage;
  // kSmall asks for 4 KiB pages, whatever the machine's THP setting.
  enum Pages { kSmall, kHuge, kDefault } pages = kSmall;
};

// Maps `size`, aligned, between two guards that keep neighbours (and their
// page tables) away.
Range MapAnonymous(Trace& trace, Bytes size, const MapOptions& options = {});
// Maps a file in the same way, from `offset` on; of a memfd, too.
Range MapFile(Trace& trace, int fd, Bytes size, int prot, int flags,
              Bytes offset = {});
// mmap(2) as it is: of PROT_… and MAP_…, aligned to a page, with neighbours
// instead of guards, and with huge pages where the machine's setting says so.
Range MapBare(Trace& trace, Bytes size, int prot, int flags, int fd = -1,
              Bytes offset = {});
// Maps a part of a range anew, in its place (MAP_FIXED is added).
void MapOver(Trace& trace, const Range& part, int prot, int flags, int fd = -1,
             Bytes offset = {});

// A new file in memory (memfd_create) of `size` bytes, of which none is there
// yet; `flags` are MFD_…. It lives as long as its descriptor and mappings do.
int MakeMemfd(Trace& trace, Bytes size = {}, unsigned flags = 0);

// Reads or writes one byte at every `stride`. Counts in the trace, visibly at
// every step: "touches", and for writes also "written" (bytes, whole pages).
void ReadPages(Trace& trace, const Range& range, Bytes stride = kPage);
void WritePages(Trace& trace, const Range& range, Bytes stride = kPage);

// mmap(2) as a question: 0 where the kernel allows it (and it is unmapped
// again), else errno.
int TryMap(Bytes size, int prot, int flags, int fd = -1);
// MapOver as a question: 0 where the kernel does it, else errno.
int TryMapOver(const Range& part, int prot, int flags, int fd = -1,
               Bytes offset = {});

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
