// SPDX-License-Identifier: Apache-2.0
// What the judge found out about the place before the subject starts: the
// numbers that oracles are computed from.
#pragma once

#include <compare>
#include <string>

#include "oomgate/model/units.h"

namespace oomgate {

inline constexpr Bytes kPage = 4_KiB;
inline constexpr Bytes kHugePage = 2_MiB;

// "6.1.0-56-cloud-amd64" -> {6, 1, 0}. A distribution's third number is not
// the upstream patch level.
struct KernelVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
  static KernelVersion Of(const std::string& release);
};

struct Facts {
  Bytes box;        // what can be used up: the cgroup's limit, or MemTotal
  Bytes ram;        // MemTotal
  Bytes swap;       // SwapTotal
  Bytes available;  // MemAvailable
  int cpus = 1;
  int nodes = 1;
  int cgroup = 0;  // version of the box's controller; 0: the box is a machine
  std::string box_folder;  // of the cgroup; "" for a machine
  KernelVersion kernel;
  // Nanoseconds of the guest's time for each instruction that it executes; 0:
  // time is the wall's.
  int instruction_ns = 0;
  bool emulated = false;  // the CPU is a program's (QEMU's TCG)
  // By how much the admission check of mode 2 may be off with several CPUs:
  // each but the one that asks may hold back a batch (mm_compute_batch in
  // mm/mm_init.c). With one CPU it is exact.
  Bytes commit_slack() const;
};

}  // namespace oomgate
