// SPDX-License-Identifier: Apache-2.0
// System calls on a range of memory.
#include "oomgate/range.h"

#include "oomgate/errno_of.h"

namespace oomgate {
namespace {

void StopOn(int error, Trace& trace, const char* what) {
  if (error != 0) trace.Stop(what, error);
}

}  // namespace

int TryAdvise(const Range& range, int advice) {
  return ErrnoOf(madvise(range.start, Length(range.size), advice));
}

int TryLock(const Range& range) {
  return ErrnoOf(mlock(range.start, Length(range.size)));
}

int TryUnlock(const Range& range) {
  return ErrnoOf(munlock(range.start, Length(range.size)));
}

int TryProtect(const Range& range, int prot) {
  return ErrnoOf(mprotect(range.start, Length(range.size), prot));
}

int TryUnmap(const Range& range) {
  if (range.reserved == nullptr) {
    return ErrnoOf(munmap(range.start, Length(range.size)));
  }
  return ErrnoOf(munmap(range.reserved, Length(range.reserved_size)));
}

int TryRemap(Range& range, Bytes size, int flags, char* to) {
  void* const now =
      mremap(range.start, Length(range.size), Length(size), flags, to);
  if (const int error = ErrnoOf(now); error != 0) return error;
  if (now == range.start) {
    range.size = size;
  } else {
    range = {.start = static_cast<char*>(now), .size = size};
  }
  return 0;
}

void Advise(Trace& trace, const Range& range, int advice) {
  StopOn(TryAdvise(range, advice), trace, "madvise");
}

void Lock(Trace& trace, const Range& range) {
  StopOn(TryLock(range), trace, "mlock");
}

void Unlock(Trace& trace, const Range& range) {
  StopOn(TryUnlock(range), trace, "munlock");
}

void Protect(Trace& trace, const Range& range, int prot) {
  StopOn(TryProtect(range, prot), trace, "mprotect");
}

void Unmap(Trace& trace, const Range& range) {
  StopOn(TryUnmap(range), trace, "munmap");
}

Range Remap(Trace& trace, Range range, Bytes size, int flags, char* to) {
  StopOn(TryRemap(range, size, flags, to), trace, "mremap");
  return range;
}

}  // namespace oomgate
