// SPDX-License-Identifier: Apache-2.0
// Cases x parameters x places: what runs where, in the cheapest shape that
// gives each instance what it needs. Pure: everything it knows is passed in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/case_info.h"
#include "runner/backend.h"
#include "runner/this_machine.h"

namespace oomgate {

// The box of a kCgroup case that does not say how large it must be.
inline constexpr Bytes kDefaultBox = 64_MiB;
// A guest is at least this large unless asked otherwise.
inline constexpr Bytes kDefaultGuest = 256_MiB;
// What a guest needs beside a cgroup's limit.
inline constexpr Bytes kBesideBox = 128_MiB;
// No supported kernel boots with less.
inline constexpr Bytes kSmallestGuest = 64_MiB;
// QEMU itself, beside the guest's RAM.
inline constexpr Bytes kBesideGuest = 96_MiB;

struct PlanOptions {
  std::vector<Place> places;  // in the order in which they run
  Machine machine;            // for host and cgroup
  // Of guests, in place of what each case needs.
  std::optional<Bytes> memory = {};
  std::optional<Bytes> swap = {};
  std::optional<int> cpus = {};
  std::optional<int> nodes = {};
  std::optional<int> cgroup = {};  // version of the memory controller
  Clock clock = Clock::kWall;
  std::optional<int> timeout_seconds = {};
  bool invert = false;
  // The step whose act is left out, or a setting that is left alone: as
  // HasStep takes it. A case that has none of the kind is skipped.
  std::string without = {};
  // Made to hold in guests; a case that needs another value is skipped.
  std::vector<Setting> settings = {};
  // Places that would be asked for, were they usable here, and why they are
  // not: for the reason of a skip.
  std::map<Place, std::string> unusable = {};
};

struct Plan {
  // Host and cgroup first; each in the order of the catalogue.
  std::vector<OrderGroup> groups;
  // Instances that fit no place, with the reason.
  std::vector<Result> skipped;
  // Every (shape, instance) above, in the order of the catalogue; the shape of
  // a skipped one is "".
  struct Slot {
    std::string shape;
    InstanceName name;
    bool operator==(const Slot&) const = default;
  };
  std::vector<Slot> order;
};

Plan MakePlan(const std::vector<CaseInfo>& cases, const PlanOptions& options);

// Whether the case can run without the act of `step`: its name, "#2" for the
// second one, or the path of a setting that it needs; "" leaves out none.
bool HasStep(const CaseInfo& info, const std::string& step);

// Why `place` cannot run the instance: need and have; "" where it can.
std::string WhyNot(Place place, Blast blast, const Needs& needs,
                   const PlanOptions& options);

// The shape that the instance gets there.
Shape ShapeFor(Place place, Blast blast, const Needs& needs,
               const PlanOptions& options);

}  // namespace oomgate
