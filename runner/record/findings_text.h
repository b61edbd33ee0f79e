// SPDX-License-Identifier: Apache-2.0
// What a result found, in words: made of its fields, for wherever one line is
// all the room there is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "oomgate/model/result.h"

namespace oomgate {

// "lock twice: grown is 8 MiB, expected 4 MiB".
std::string ToText(const FailedCheck& check);
// "left behind: Shmem +4096 kB".
std::string ToText(const Finding& finding);
// "lock twice: needs a kernel of 6.1 or newer".
std::string ToText(const LeftOut& out);

// Checks, then findings, one text each. Empty where the result has none of
// them: its reason is all that is known.
std::vector<std::string> FindingsOf(const Result& result);

// Whether checks and findings say why it is no pass. Else its reason does: it
// is lost, broken or skipped, or of schema 1.
bool FindingsSayWhy(const Result& result);

// Why the result is no pass: its first `most_checks` checks and all that was
// found besides, "; " between them; its reason where there are none.
std::string WhyNoPass(const Result& result, std::size_t most_checks = 3);

}  // namespace oomgate
