// SPDX-License-Identifier: Apache-2.0
// memory.min keeps a group's pages whatever happens beside it, memory.low as
// long as there is anything else to take; nothing keeps what has neither.
#include "cases/memcg/groups.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;   // of both
constexpr Bytes kKept = 3_MiB;    // what the one has
constexpr Bytes kOther = 16_MiB;  // what the other reads

struct Two : Scene {
  // The last to close a disk drops its pages: not the children, then.
  int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  GroupInBox top{trace, f, "top"};
  ChildGroup kept{trace, top, "kept"};
  ChildGroup other{trace, top, "other"};

  Bytes Kept() const { return CachedOfDisk(trace, disk, 0_B, kKept); }
  Bytes Other() const { return CachedOfDisk(trace, disk, kKept, kOther); }
  void ReadKept() const {
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
    top.Set(trace, "memory.max", kLimit);
    if (p["protect"] != "none") {
      kept.Set(trace, p["protect"] == "min" ? "memory.min" : "memory.low",
               kKept + 1_MiB);
    }
    Set("status",
        RunChildIn(trace, kept, [&] { ReadDisk(trace, 0_B, kKept); }));
  }
  // More file pages than there is room for.
  void ReadBeside() const {
    Set("status",
        RunChildIn(trace, other, [&] { ReadDisk(trace, kKept, kOther); }));
  }
};

Steps<Two> Make(const Params& p, const Facts&) {
  using Is = testing::Matcher<Bytes>;
  constexpr Bytes kOwn = 96 * kPage;
  constexpr Bytes kRest = kLimit - kKept;
  const bool none = p["protect"] == "none";
  const bool low = p["protect"] == "low";
  const bool min = p["protect"] == "min";
  const auto events = Event(&Two::kept, "low");
  return {
      {"read 3 MiB in a group",
       &Two::ReadKept,
       {Count("status", 0), {"kept", &Two::Kept, kKept}}},
      {"read 16 MiB beside it",
       &Two::ReadBeside,
       {Count("status", 0),
        // Whether so small a group is looked at at all, as long as there is
        // enough beside it, differs.
        {"kept", &Two::Kept, none ? Is(Le(kKept)) : Is(kKept)},
        {"other", &Two::Other,
         min ? Is(Between(kRest - 1_MiB, kRest)) : Is(Le(kLimit))},
        {"low", events, 0}}},
      // What cannot be reclaimed at all: without memory.min it takes the rest.
      {"write 16 MiB beside it",
       WriteIn(&Two::other, 2 * kLimit),
       {Count("status", SIGKILL),
        Written(min ? Is(Between(kRest - kOwn, kRest))
                    : Is(Between(kLimit - 2 * kOwn, kLimit))),
        {"kept", &Two::Kept, min ? Is(kKept) : Is(Le(kOwn))},
        {"low", events, low ? testing::Matcher<std::int64_t>(Gt(0)) : 0},
        {"kills", Event(&Two::other, "oom_kill"), 1},
        {"kept's kills", Event(&Two::kept, "oom_kill"), 0}}},
  };
}

const Register kProtection{
    {.id = "memcg/protection",
     .summary = "memory.min and memory.low protect, each as far as promised",
     .claim = "Documentation/admin-guide/cgroup-v2: memory.min is hard "
              "protection, memory.low is best effort; seed 1: observing memory",
     .functions = "mem_cgroup_calculate_protection, mem_cgroup_below_min, "
                  "shrink_node_memcgs",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .no_swap = true,
               .cgroup = 2,
               .alone = true,
               .disk = 64_MiB},
     .params = {{"protect", {"none", "low", "min"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("kept.after_file", "read 16 MiB beside it.kept")
             .HigherIsBetter()
             .Within(6 << 20, "without protection any of it may be taken")}}};

}  // namespace
}  // namespace oomgate
