// SPDX-License-Identifier: Apache-2.0
// The buffer that all reading of oomgate/usage.h goes through.
#pragma once

namespace oomgate {

// Gives the calling process all pages of the buffer. Else a file that has grown
// by a digit may reach into a page that is shared since a fork, and the machine
// has one page more in the middle of what somebody counts.
void OwnUsageBuffer();

}  // namespace oomgate
