// SPDX-License-Identifier: Apache-2.0
// A run as a page for people: GitHub's flavour of markdown.
#pragma once

#include <cstddef>
#include <string>

#include "runner/report/reported.h"

namespace oomgate {

// At most `limit` bytes: findings first, whole entries, and a last line that
// says how many were left out.
std::string MarkdownWithin(const Reported& reported, std::size_t limit);

}  // namespace oomgate
