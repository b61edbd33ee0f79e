// SPDX-License-Identifier: Apache-2.0
// Text for a log that a program watches: it must not look like the log's own
// end, or like a line of a protocol in it.
#pragma once

#include <string>

namespace oomgate {

// One line without '#', which begins a directive, without '<', which begins a
// signal of LAVA, and without what readers of kernel logs take for their end.
std::string LogLine(std::string text);

}  // namespace oomgate
