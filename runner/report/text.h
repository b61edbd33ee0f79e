// SPDX-License-Identifier: Apache-2.0
// Text from a guest or a user, made safe for a terminal or a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomgate {

// Control characters and invalid UTF-8 escaped ("\x1b"): nothing in it moves
// the cursor. Line breaks are escaped too.
std::string Printable(std::string_view text);

// The same line by line, each line after `indent`; ends with a line break.
std::string PrintableLines(std::string_view text, std::string_view indent);

// The same as one paragraph that fits a terminal.
std::string Wrapped(std::string_view text, std::string_view indent);

// Counts as counts, the rest with what a person can tell apart.
std::string NumberText(double value);

// A share as "3.2 %" or "250 %"; "more than nothing" of an infinite one.
std::string PercentText(double share);

// As one word of a shell; quoted only where it must be.
std::string ShellQuoted(std::string_view word);
std::string ShellQuoted(const std::vector<std::string>& words);

}  // namespace oomgate
