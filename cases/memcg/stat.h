// SPDX-License-Identifier: Apache-2.0
// How exact memory.stat and memory.current are.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// Since 5.13 (2d146aa3aa84) what a CPU holds back is folded in within 2 s.
// Before, up to a batch of 32 pages stayed there, for every number.
inline Bytes StatError(const Facts& f) {
  return f.kernel < KernelVersion{5, 13} ? f.cpus * 32 * kPage : 0_B;
}

// What all CPUs together may have charged in advance (MEMCG_CHARGE_BATCH).
inline Bytes ChargeStock(const Facts& f) { return 64 * f.cpus * kPage; }

// Whether a number of it may stand for `size`: for what waits for it.
inline bool Near(const Facts& f, std::int64_t number, Bytes size) {
  return number >= (size - StatError(f)).count &&
         number <= (size + StatError(f)).count;
}

inline Oracle Told(const Facts& f, const std::string& name, Bytes size) {
  return Size(name, Between(size - StatError(f), size + StatError(f)));
}

}  // namespace oomgate
