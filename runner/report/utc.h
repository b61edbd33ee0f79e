// SPDX-License-Identifier: Apache-2.0
// The times of run.json, read: "2026-01-31T12:00:00Z".
#pragma once

#include <cstdint>
#include <string>

namespace oomgate {

// Seconds since 1970; 0 for what is not such a time.
std::int64_t SecondsSince1970(const std::string& utc);

}  // namespace oomgate
