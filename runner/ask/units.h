// SPDX-License-Identifier: Apache-2.0
// Units of the answers: the kernel's page size, and sizes as text in MiB.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>

#include "oomgate/model/units.h"

namespace oomgate {

inline constexpr std::int64_t kPageSize = 4096;  // bytes

// "1.5 MiB"
inline std::string Mib(Bytes size) {
  return fmt::format("{:.1f} MiB", static_cast<double>(size.count) / (1 << 20));
}

}  // namespace oomgate
