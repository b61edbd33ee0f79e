// SPDX-License-Identifier: Apache-2.0
// Readings of the kernel's counters by their names, for rows.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

inline auto InStatus(const char* field) {
  return [=] { return StatusField(field); };
}
inline auto InMeminfo(const char* field) {
  return [=] { return Meminfo(field); };
}
inline auto InVmstat(const char* counter) {
  return [=] { return Vmstat(counter); };
}
// The same once what the CPUs hold back is folded in.
inline auto FoldedInVmstat(const char* counter) {
  return [=] {
    RefreshVmstat();
    return Vmstat(counter);
  };
}
// A counter of /proc/vmstat, by how much it grows from here on; and a name.
struct Growth {
  const char* name;
  const char* counter;
  std::int64_t before = Vmstat(counter);
  std::int64_t Now() const { return Vmstat(counter) - before; }
};
inline auto InRollup(const char* field) {
  return [=] { return FieldIn("/proc/self/smaps_rollup", field) * 1_KiB; };
}

}  // namespace oomgate
