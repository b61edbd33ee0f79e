// SPDX-License-Identifier: Apache-2.0
// A range of memory, and the system calls on one: as questions, or as what must
// succeed. Nothing here allocates.
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "oomgate/model/units.h"
#include "oomgate/trace.h"

namespace oomgate {

struct Range {
  char* start = nullptr;
  Bytes size = {};
  // The address space that it stands in, guards included; none where nullptr.
  char* reserved = nullptr;
  Bytes reserved_size = {};
  char* end() const { return start + size.count; }
  // `length` bytes from `offset` on: without guards, even if it is all of it.
  Range Part(Bytes offset, Bytes length) const {
    return {.start = start + offset.count, .size = length};
  }
};

// Bytes, as system calls take them.
constexpr std::size_t Length(Bytes size) {
  return static_cast<std::size_t>(size.count);
}

// As questions: 0 where the kernel does it, else errno.
int TryAdvise(const Range& range, int advice);  // madvise(2): MADV_…
int TryLock(const Range& range);                // mlock(2)
int TryUnlock(const Range& range);              // munlock(2)
int TryProtect(const Range& range, int prot);   // mprotect(2): PROT_…
// munmap(2), guards and all; of a part without them, of it alone.
int TryUnmap(const Range& range);
// mremap(2) to `size` bytes, by MREMAP_… flags; `to` is where MREMAP_FIXED
// moves it. If it succeeds the range is what it is now: without guards where it
// moved; they stay behind.
int TryRemap(Range& range, Bytes size, int flags, char* to = nullptr);

// The same, where it must succeed.
void Advise(Trace& trace, const Range& range, int advice);
void Lock(Trace& trace, const Range& range);
void Unlock(Trace& trace, const Range& range);
void Protect(Trace& trace, const Range& range, int prot);
void Unmap(Trace& trace, const Range& range);
// Gives where it is now.
Range Remap(Trace& trace, Range range, Bytes size, int flags,
            char* to = nullptr);

}  // namespace oomgate
