// SPDX-License-Identifier: Apache-2.0
// Paging out to the end: what is read back before the device has it keeps its
// place in swap when it is freed, until it is reclaimed (folio_free_swap).
#pragma once

#include <poll.h>
#include <sys/mman.h>

#include <cerrno>

#include "oomgate/memory.h"
#include "oomgate/trace.h"
#include "oomgate/usage.h"

namespace oomgate {

// Of the whole machine: for cases that have it to themselves. Needs root.
inline void AwaitWriteback(Trace& trace) {
  const bool ended = HoldsWithin(10000, [] {
    RefreshVmstat();
    return Meminfo("Writeback") == 0_B;
  });
  if (!ended) trace.Stop("wait for the swap device", ETIMEDOUT);
}

// Asks until so much of the mapping is in swap: a page that is just in use may
// be passed over. The subject's deadline ends it.
inline void PageOut(Trace& trace, const Range& part, Bytes out) {
  while (MappingField(part, "Swap") < out) {
    const int error = TryAdvise(part, MADV_PAGEOUT);
    if (error != 0) trace.Stop("MADV_PAGEOUT", error);
    poll(nullptr, 0, 1);
  }
  AwaitWriteback(trace);
}

// All of a mapping that is written in full.
inline void PageOut(Trace& trace, const Range& range) {
  PageOut(trace, range, range.size);
}

}  // namespace oomgate
