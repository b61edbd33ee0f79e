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

// For .adjust: the parameter "swap" is how much swap there is, and the box may
// have all of it; "0" is none.
inline void SwapOfParameter(const Params& p, InstanceInfo& instance) {
  const Bytes swap = p.Size("swap");
  instance.needs.no_swap = swap == 0_B;
  if (swap == 0_B) return;
  instance.needs.swap = swap;
  instance.needs.box = {{"memory.swap.max", "max"}};
}

}  // namespace oomgate
