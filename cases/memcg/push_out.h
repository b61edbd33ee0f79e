// SPDX-License-Identifier: Apache-2.0
// Out of a group's memory to the last page, for cases about what comes back:
// written to swap, and not kept in memory beside that either.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// `range` is all written; the group has little else.
inline void PushOut(Trace& trace, const Group& group, const Range& range) {
  constexpr int kPatience = 3000;     // milliseconds
  constexpr Bytes kOwn = 32 * kPage;  // a member's stack and data
  HoldsWithin(kPatience, [&] {
    TryAdvise(range, MADV_PAGEOUT);
    // Came with 5.19; a limit that is passed makes its members wait.
    if (group.Has("memory.reclaim")) {
      group.Write("memory.reclaim", range.size);
    } else {
      group.Set(trace, "memory.high", kOwn);
      group.Set(trace, "memory.high", "max");
    }
    return ReadMapping(range).rss == 0_B &&
           group.Number("memory.current") <= (range.size / 4).count;
  });
}

}  // namespace oomgate
