// SPDX-License-Identifier: Apache-2.0
// Where an instance runs: a place, and a shape that says how large it is.
#pragma once

#include <string>

#include "oomgate/model/needs.h"
#include "oomgate/model/units.h"

namespace oomgate {

enum class Place { kHost, kCgroup, kVm };
inline constexpr const char* kPlaceNames[] = {"host", "cgroup", "vm"};
constexpr const char* ToText(Place place) {
  return kPlaceNames[static_cast<int>(place)];
}

// The widest blast that a place contains.
constexpr Blast Contains(Place place) {
  return place == Place::kVm       ? Blast::kMachine
         : place == Place::kCgroup ? Blast::kCgroup
                                   : Blast::kProcess;
}

// What a guest's time means. Elsewhere it is always the wall's.
enum class Clock {
  kWall,
  kInstructions,  // as many nanoseconds as instructions were executed, times 2
};
inline constexpr const char* kClockNames[] = {"wall", "instructions"};
constexpr const char* ToText(Clock clock) {
  return kClockNames[static_cast<int>(clock)];
}

struct Shape {
  Place place = Place::kHost;
  Bytes memory = {};  // RAM of the guest, limit of the cgroup; 0 on a host
  int cpus = 1;       // guest only, like all below
  int nodes = 1;
  Bytes swap = {};
  int cgroup = 2;   // version of the memory controller inside
  Bytes disk = {};  // a scratch disk beside the swap
  Clock clock = Clock::kWall;
  auto operator<=>(const Shape&) const = default;
};

// "vm-512m-1cpu-2node-128mswap-cgroup1", "cgroup2-64m", "host".
inline std::string ToText(const Shape& shape) {
  if (shape.place == Place::kHost) return "host";
  if (shape.place == Place::kCgroup) {
    std::string name = "cgroup" + std::to_string(shape.cgroup);
    if (shape.memory.count > 0) name += "-" + ToText(shape.memory);
    return name;
  }
  std::string name =
      "vm-" + ToText(shape.memory) + "-" + std::to_string(shape.cpus) + "cpu";
  if (shape.nodes > 1) name += "-" + std::to_string(shape.nodes) + "node";
  if (shape.swap.count > 0) name += "-" + ToText(shape.swap) + "swap";
  if (shape.disk.count > 0) name += "-" + ToText(shape.disk) + "disk";
  if (shape.cgroup != 2) name += "-cgroup" + std::to_string(shape.cgroup);
  if (shape.clock != Clock::kWall)
    name += "-" + std::string(ToText(shape.clock));
  return name;
}

}  // namespace oomgate
