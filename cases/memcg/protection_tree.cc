// SPDX-License-Identifier: Apache-2.0
// A group's memory.min and memory.low hold no further than its parent's, and
// are shared among siblings where they promise more than the parent has.
#include "cases/memcg/groups.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;   // of the tree and of what presses on it
constexpr Bytes kKept = 3_MiB;    // what each of two siblings has
constexpr Bytes kClaim = 4_MiB;   // what each claims
constexpr Bytes kOther = 24_MiB;  // what is read beside them

// Two siblings that claim as much as each other below a protected parent, and
// one beside that parent who presses on all.
struct Tree {
  Tree(Trace& trace, const Group& box, const char* protect, Bytes parent)
      : outer(trace, box, "outer"),
        top(trace, outer, "top"),
        one(trace, top, "one"),
        two(trace, top, "two"),
        other(trace, outer, "other") {
    outer.Set(trace, "memory.max", kLimit);
    top.Set(trace, protect, parent);
    one.Set(trace, protect, kClaim);
    two.Set(trace, protect, kClaim);
  }
  ChildGroup outer, top, one, two, other;
};

struct Siblings : Scene {
  bool low = p["protect"] == "low";
  // The last to close a disk drops its pages: not the children, then.
  int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  OpenedBox box{trace, f};
  std::optional<Tree> tree = {};

  void Plant(Bytes parent) {
    tree.reset();
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
    tree.emplace(trace, box.box(), low ? "memory.low" : "memory.min", parent);
  }
  void Read(const Group& group, Bytes from, Bytes size) const {
    RunChildIn(trace, group, [&] { ReadDisk(trace, from, size); });
  }
  // Files where there is something else to take, else what cannot be taken.
  void Press() const {
    Set("status", RunChildIn(trace, tree->other, [&] {
          if (low) {
            ReadDisk(trace, 2 * kKept, kOther);
          } else {
            WritePages(trace, MapAnonymous(trace, 2 * kLimit));
          }
        }));
    Set("kills", tree->other.Field("memory.events", "oom_kill"));
  }
  Bytes One() const { return CachedOfDisk(trace, disk, 0_B, kKept); }
  Bytes Two() const { return CachedOfDisk(trace, disk, kKept, kKept); }
  Bytes Both() const { return One() + Two(); }
};

Steps<Siblings> Make(const Params& p, const Facts&) {
  const bool low = p["protect"] == "low";
  const Row<Siblings> pressed =
      AllOf(Count("status", low ? 0 : SIGKILL), Count("kills", low ? 0 : 1));
  // What their parent is protected with, and what is left of them. What is
  // pressed by files only need not lose all that it may. Reclaim takes
  // clusters, the last of each with what was protected.
  constexpr Bytes kShare = 2_MiB;
  constexpr Bytes kTaken = 2 * kKept - 1_MiB;
  const auto some = Between(kShare / 8, kShare * 3 / 4);
  struct Round {
    std::string name;
    Bytes parent;
    Rows<Siblings> left;
  };
  const Round rounds[] = {
      {"none", 0_B, {{"both", &Siblings::Both, Le(low ? kTaken : 0_B)}}},
      {"part",
       kShare,
       {{"both", &Siblings::Both, Between(kShare / 2, low ? kTaken : kShare)}}},
      {"all", 2 * kClaim, {{"both", &Siblings::Both, 2 * kKept}}}};
  Steps<Siblings> steps;
  for (const Round& round : rounds) {
    steps.push_back({"read 3 MiB each, parent has " + round.name,
                     [parent = round.parent](Siblings& s) {
                       s.Plant(parent);
                       s.Read(s.tree->one, 0_B, kKept);
                       s.Read(s.tree->two, kKept, kKept);
                     },
                     {{"both", &Siblings::Both, 2 * kKept}}});
    Rows<Siblings> rows = round.left;
    rows.push_back(pressed);
    if (!low && round.name == "part") {
      rows.push_back({"one", &Siblings::One, some});
      rows.push_back({"two", &Siblings::Two, some});
    }
    steps.push_back(
        {"press, parent has " + round.name, &Siblings::Press, rows});
  }
  steps.push_back(
      {"one writes and ends, the other reads",
       [](Siblings& s) {
         s.Plant(kClaim);
         RunChildIn(s.trace, s.tree->one,
                    [&] { WritePages(s.trace, MapAnonymous(s.trace, kKept)); });
         s.Read(s.tree->two, kKept, kKept);
       },
       {{"one", &Siblings::One, 0_B}, {"two", &Siblings::Two, kKept}}});
  // What a sibling had and has no more is the other's to keep.
  steps.push_back({"press on the other",
                   &Siblings::Press,
                   {pressed, {"two", &Siblings::Two, kKept}}});
  return steps;
}

const Register kProtectionTree{
    {.id = "memcg/protection_tree",
     .summary = "a parent's memory.min and memory.low cap and share theirs",
     .claim = "Documentation/admin-guide/cgroup-v2: the effective min (low) "
              "boundary is limited by memory.min (memory.low) values of all "
              "ancestor cgroups; overcommitted, each child gets the part of it "
              "that is proportional to its usage",
     .functions = "effective_protection, mem_cgroup_calculate_protection, "
                  "propagate_protected_usage",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .no_swap = true,
               .cgroup = 2,
               .alone = true,
               .disk = 64_MiB},
     .params = {{"protect", {"low", "min"}}},
     .steps = Make,
     .metrics = {Metric::Size("part.both", "press, parent has part.both")
                     .HigherIsBetter()
                     .Within(1 << 20, "reclaim takes clusters of 32 pages")}}};

}  // namespace
}  // namespace oomgate
