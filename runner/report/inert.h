// SPDX-License-Identifier: Apache-2.0
// Text of a run made inert: results quote what a dying guest said, and a report
// is read by terminals, CI systems and browsers that act on what they read.
#pragma once

#include <string>
#include <string_view>

#include "oomgate/model/json.h"
#include "oomgate/model/run.h"

namespace oomgate {

// One line: valid UTF-8, no control characters, nothing that reverses or breaks
// a line, nothing that a CI system takes for a command in a log ("::error::" at
// the beginning of a line, "##[…]" anywhere).
std::string InertLine(std::string_view text);

// The same line by line; without a line break at the end.
std::string InertLines(std::string_view text);

// Every text of `run`: `reason` and `console` by InertLines, all else by
// InertLine.
Run Inert(const Run& run);

// JSON that may stand inside a web page, too: no '<' in it.
std::string InertJson(const Json& value);

}  // namespace oomgate
