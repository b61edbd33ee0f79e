// SPDX-License-Identifier: Apache-2.0
// What a case needs of the place it runs in, as data: a place either makes it
// hold (a guest) or checks it and skips with the reason (a host, a cgroup).
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/units.h"

namespace oomgate {

// How far the exhaustion reaches when the case does its worst.
enum class Blast {
  kProcess,  // one process fails or dies; nothing is used up
  kCgroup,   // a memory cgroup is filled until the OOM killer acts in it
  kMachine,  // the machine is filled: only a guest may run it
};

inline constexpr const char* kBlastNames[] = {"process", "cgroup", "machine"};
constexpr const char* ToText(Blast blast) {
  return kBlastNames[static_cast<int>(blast)];
}

// A global setting, by its file below /proc/sys or /sys.
struct Setting {
  std::string path;
  std::string value;
  bool operator==(const Setting&) const = default;
};

inline constexpr const char* kScratchDisk = "/dev/scratch";

struct Needs {
  // Size of the box: the cgroup's limit (kCgroup) or the machine's RAM
  // (kMachine). For kProcess: RAM that the machine must have.
  Bytes memory = {};
  Bytes swap = {};  // at least; 0: the case does not care
  bool no_swap = false;
  int cpus = 1;    // at least; a guest gets exactly this many
  int nodes = 1;   // NUMA nodes, at least; a guest gets exactly this many
  int cgroup = 0;  // memory controller version 1 or 2; 0: either
  bool kernel_log =
      false;  // /dev/kmsg must be readable: the OOM report is read
  // Nothing else may run on the machine: only a guest can promise that.
  bool alone = false;
  // A scratch disk of that size, raw, at kScratchDisk: for file pages that
  // must be written back. Guests only.
  Bytes disk = {};
  std::vector<Setting> settings = {};
  // Files of the box's own cgroup ("memory.high"), kCgroup only. Written after
  // the limits; by default a box has no swap.
  std::vector<Setting> box = {};
  bool operator==(const Needs&) const = default;
};

}  // namespace oomgate
