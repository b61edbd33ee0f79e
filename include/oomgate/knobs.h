// SPDX-License-Identifier: Apache-2.0
// Knobs of the kernel's: the folders that cases turn and read them in, by name,
// and writing a single one. In the needs of a case: .settings =
// {kThpKnobs.With("enabled", "madvise")}. Only a case that has the machine to
// itself (Blast::kMachine, or .alone) writes one while it runs:
// kVmKnobs.Set(trace, "nr_hugepages", 8). What is needed from the start belongs
// into the needs.
#pragma once

#include "oomgate/kernel_folder.h"

namespace oomgate {

inline constexpr KernelFolder kThpKnobs("/sys/kernel/mm/transparent_hugepage");
inline constexpr KernelFolder kKhugepagedKnobs(
    "/sys/kernel/mm/transparent_hugepage/khugepaged");
inline constexpr KernelFolder kKsmKnobs("/sys/kernel/mm/ksm");
inline constexpr KernelFolder kVmKnobs("/proc/sys/vm");

// Writes a file of /proc/sys, /sys or a cgroup; stops the subject where the
// kernel refuses.
void WriteKnob(Trace& trace, const char* path, const char* value);

// Waits until who scans memory, khugepaged or ksmd, has been through all of it
// so often, for at most that long; whether it was.
bool AwaitScans(const KernelFolder& scanner, int scans,
                int milliseconds = 10000);

}  // namespace oomgate
