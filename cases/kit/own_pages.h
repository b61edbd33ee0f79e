// SPDX-License-Identifier: Apache-2.0
// Pages that a process writes without its doing.
#pragma once

namespace oomgate {

// Gives the calling process, after a fork, a copy of each: else the machine has
// a page more in the middle of what somebody counts.
// - The buffer of oomgate/usage.h: a file that has grown by a digit may reach
//   into one page more.
// - The page of errno: the kernel writes there when a thread comes back to a
//   CPU (rseq), which happens at any time.
void OwnPages();

}  // namespace oomgate
