// SPDX-License-Identifier: Apache-2.0
// What a result found, as lines that a person takes in at a glance: columns of
// step, value, seen and expected, then what was found besides.
#pragma once

#include <cstddef>
#include <string>

#include "oomgate/model/result.h"

namespace oomgate {

// How much of it there is room for.
struct EvidenceLimits {
  std::size_t lines = 22;     // of all; the kernel log takes what is left
  std::size_t columns = 100;  // of a line; what is longer is cut
  std::size_t checks = 12;
  std::size_t findings = 3;
  std::size_t left_out = 3;
  std::size_t reason = 6;  // lines
  std::size_t log = 6;     // lines
  bool whole = false;      // nothing is cut, and of the log there are kilobytes
};
// A screen of 24 lines holds it, its title and the command that repeats it.
inline constexpr EvidenceLimits kScreen{};
// For a page that can be scrolled.
inline constexpr EvidenceLimits kUncut{.lines = 10000,
                                       .columns = 120,
                                       .checks = 1000,
                                       .findings = 1000,
                                       .left_out = 1000,
                                       .reason = 1000,
                                       .log = 1000,
                                       .whole = true};

// Lines, each indented, each with its line break. A result without checks and
// findings shows its reason.
std::string EvidenceText(const Result& result, const EvidenceLimits& limits);

}  // namespace oomgate
