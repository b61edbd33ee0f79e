// SPDX-License-Identifier: Apache-2.0
// Pages that tell each other apart: each begins with a number of its own, so a
// lost, stale or misplaced one is seen.
#pragma once

#include <cstdint>

#include "oomgate/memory.h"

namespace oomgate {

// The number at an offset. Volatile: reading or writing it touches the page.
inline volatile std::int64_t* NumberAt(const Range& range, Bytes at) {
  return reinterpret_cast<volatile std::int64_t*>(range.start + at.count);
}

// Each page gets its offset and 1: different, and never zero.
inline void NumberPages(const Range& range) {
  for (Bytes at; at < range.size; at += kPage) {
    *NumberAt(range, at) = at.count + 1;
  }
}

// Pages that have not what NumberPages gave them: a read of each.
inline std::int64_t CountMisnumbered(const Range& range) {
  std::int64_t wrong = 0;
  for (Bytes at; at < range.size; at += kPage) {
    wrong += *NumberAt(range, at) == at.count + 1 ? 0 : 1;
  }
  return wrong;
}

}  // namespace oomgate
