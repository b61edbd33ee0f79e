// SPDX-License-Identifier: Apache-2.0
// memory.min keeps a group's pages whatever happens beside it, memory.low as
// long as there is anything else to take; nothing keeps what has neither.
#include "cases/memcg/disk.h"
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;   // of both
constexpr Bytes kKept = 3_MiB;    // what the one has
constexpr Bytes kClaim = 4_MiB;   // what it claims
constexpr Bytes kOther = 16_MiB;  // what the other reads

struct Two : Scene {
  int disk = OpenDisk(trace);
  GroupInBox top{trace, f, "top"};
  ChildGroup kept{trace, top, "kept"};
  ChildGroup other{trace, top, "other"};

  Bytes Kept() const { return CachedOfDisk(trace, disk, 0_B, kKept); }
  Bytes Other() const { return CachedOfDisk(trace, disk, kKept, kOther); }
  void ReadKept() {
    top.Set(trace, "memory.max", kLimit);
    if (p["protect"] == "low") kept.Set(trace, "memory.low", kClaim);
    if (p["protect"] == "min") kept.Set(trace, "memory.min", kClaim);
    ReadIn(&Two::kept, 0_B, kKept)(*this);
  }
};

Steps<Two> Make(const Params& p, const Facts&) {
  constexpr Bytes kOwn = 96 * kPage;
  constexpr Bytes kRest = kLimit - kKept;
  const bool min = p["protect"] == "min";
  const auto events = Event(&Two::kept, "low");
  return {
      {"read 3 MiB in a group", &Two::ReadKept, Count("status", 0),
       Is("kept", &Two::Kept, kKept)},
      // Whether so small a group is looked at at all, as long as there is
      // enough beside it, differs.
      {"read 16 MiB beside it", ReadIn(&Two::other, kKept, kOther),
       Count("status", 0),
       Is("kept", &Two::Kept,
          p["protect"] == "none" ? SizeIs(Le(kKept)) : kKept),
       Is("other", &Two::Other,
          min ? Between(kRest - 1_MiB, kRest) : SizeIs(Le(kLimit))),
       Is("low", events, 0)},
      // What cannot be reclaimed at all: without memory.min it takes the rest.
      {"write 16 MiB beside it", WriteIn(&Two::other, 2 * kLimit),
       Count("status", SIGKILL),
       Written(min ? Between(kRest - kOwn, kRest)
                   : Between(kLimit - 2 * kOwn, kLimit)),
       Is("kept", &Two::Kept, min ? kKept : SizeIs(Le(kOwn))),
       Is("low", events, p["protect"] == "low" ? CountIs(Gt(0)) : 0),
       Is("kills", Event(&Two::other, "oom_kill"), 1),
       Is("kept's kills", Event(&Two::kept, "oom_kill"), 0)}};
}

const Register kProtection{
    {.id = "memcg/protection",
     .summary = "memory.min and memory.low protect, each as far as promised",
     .claim = "admin-guide/cgroup-v2: memory.min is hard protection, "
              "memory.low is best effort; seed 1: observing memory",
     .functions = "mem_cgroup_calculate_protection, mem_cgroup_below_min, "
                  "shrink_node_memcgs",
     .blast = Blast::kCgroup,
     .needs = DiskWithoutSwap(),
     .params = {{"protect", {"none", "low", "min"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("kept.after_file", "read 16 MiB beside it.kept")
             .HigherIsBetter()
             .Within(6 << 20, "without protection any of it may be taken")}}};

}  // namespace
}  // namespace oomgate
