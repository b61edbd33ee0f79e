// SPDX-License-Identifier: Apache-2.0
// Whether a system call succeeded: as a number, 0 or errno, or as a condition
// without which the subject cannot go on. Nothing here allocates.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <concepts>

#include "oomgate/trace.h"

namespace oomgate {

// 0 where a call that gives -1 on failure succeeded, else its errno. The call
// itself is the argument: ErrnoOf(swapoff(path)), ErrnoOf(fd = open(path, …)).
inline int ErrnoOf(long result) { return result == -1 ? errno : 0; }
// A comparison would be a mistake here.
int ErrnoOf(std::same_as<bool> auto) = delete;
// The same of mmap, mremap and shmat, which give an address or MAP_FAILED.
inline int ErrnoOf(const void* address) {
  return address == MAP_FAILED ? errno : 0;
}

// What a call gave that must succeed; where it did not, ends the subject:
// "stopped: <what>: <error>". For the calls that ErrnoOf takes.
template <typename Result>
Result Must(Trace& trace, const char* what, Result result) {
  const int error = ErrnoOf(result);
  if (error != 0) trace.Stop(what, error);
  return result;
}

}  // namespace oomgate
