// SPDX-License-Identifier: Apache-2.0
// In mode 2 what one process is granted is refused to all others: a probe of a
// host in use leaves half of what is left, and computes what it does not try.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

inline bool NeverOvercommits() {
  return NumberIn("/proc/sys/vm/overcommit_memory") == 2;
}

inline Bytes CommitRoom() {
  return Meminfo("CommitLimit") - Meminfo("Committed_AS");
}

// Granted is only what leaves room; a refused attempt is counted for a moment,
// so what is refused for certain is not tried either.
inline bool CertainlyRefused(Bytes size) {
  return NeverOvercommits() && size > CommitRoom();
}

// Why a probe that commits `size` must not be tried here; "" where it may.
inline std::string WouldHarm(Bytes size) {
  if (!NeverOvercommits()) return "";
  if (CertainlyRefused(size) || size <= CommitRoom() / 2) return "";
  return "would commit " + ToText(size) + ", more than half of the " +
         ToText(CommitRoom()) + " that mode 2 leaves to all others";
}

}  // namespace oomgate
