// SPDX-License-Identifier: Apache-2.0
// A group's memory.min and memory.low hold no further than its parent's, and
// are shared among siblings where they promise more than the parent has.
#include <cstdio>

#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;   // of the tree and of what presses on it
constexpr Bytes kKept = 3_MiB;    // what each of two siblings has
constexpr Bytes kClaim = 4_MiB;   // what each claims
constexpr Bytes kOther = 24_MiB;  // what is read beside them
constexpr Bytes kDisk = 64_MiB;

// What their parent is protected with.
struct Round {
  const char* name;
  Bytes parent;
};
constexpr Round kRounds[] = {
    {"none", 0_B}, {"part", 2_MiB}, {"all", 2 * kClaim}};

// Two siblings that claim as much as each other below a protected parent, and
// one beside that parent who presses on all.
struct Tree {
  Tree(Trace& trace, const Params& p, const OpenedBox& box, Bytes parent)
      : low(p["protect"] == "low"), outer(box.Child("outer")) {
    const char* const protect = low ? "memory.low" : "memory.min";
    outer.GiveToChildren(trace);
    top = outer.Child(trace, "top");
    top.GiveToChildren(trace);
    one = top.Child(trace, "one");
    two = top.Child(trace, "two");
    other = outer.Child(trace, "other");
    outer.Set(trace, "memory.max", kLimit);
    top.Set(trace, protect, parent);
    one.Set(trace, protect, kClaim);
    two.Set(trace, protect, kClaim);
  }
  // Files where there is something else to take, else what cannot be taken.
  int Press(Trace& trace) const {
    trace.Set("written", 0);
    return Reap(StartChildIn(trace, other, [&] {
      if (low) {
        ReadDisk(trace, 2 * kKept, kOther);
      } else {
        WritePages(trace, MapAnonymous(trace, 2 * kLimit));
      }
    }));
  }
  void Remove(Trace& trace) const {
    for (const Group* group : {&one, &two, &top, &other, &outer}) {
      group->Remove(trace);
    }
  }
  bool low;
  Group outer;
  Group top = outer;
  Group one = outer;
  Group two = outer;
  Group other = outer;
};

void Share(Trace& trace, const Params& p, const OpenedBox& box, int disk,
           const Round& round) {
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  const Tree tree(trace, p, box, round.parent);
  const auto leave = [&](const char* value, std::int64_t number) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", round.name, value);
    trace.Set(name, number);
  };
  Reap(StartChildIn(trace, tree.one, [&] { ReadDisk(trace, 0_B, kKept); }));
  Reap(StartChildIn(trace, tree.two, [&] { ReadDisk(trace, kKept, kKept); }));
  leave("before", (CachedOfDisk(trace, disk, 0_B, kKept) +
                   CachedOfDisk(trace, disk, kKept, kKept))
                      .count);
  const int status = tree.Press(trace);
  const Bytes first = CachedOfDisk(trace, disk, 0_B, kKept);
  const Bytes second = CachedOfDisk(trace, disk, kKept, kKept);
  leave("status", status);
  leave("one", first.count);
  leave("two", second.count);
  leave("both", (first + second).count);
  leave("written", trace.Counter("written").load());
  leave("kills", tree.other.Field("memory.events", "oom_kill"));
  tree.Remove(trace);
}

// What a sibling had and has no more is the other's to keep.
void Release(Trace& trace, const Params& p, const OpenedBox& box, int disk) {
  posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  const Tree tree(trace, p, box, kClaim);
  Reap(StartChildIn(trace, tree.one,
                    [&] { WritePages(trace, MapAnonymous(trace, kKept)); }));
  Reap(StartChildIn(trace, tree.two, [&] { ReadDisk(trace, kKept, kKept); }));
  tree.Press(trace);
  trace.Set("released.two", CachedOfDisk(trace, disk, kKept, kKept));
  tree.Remove(trace);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  // The last to close a disk drops its pages: not the children, then.
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  const OpenedBox box(trace, f);
  for (const Round& round : kRounds) Share(trace, p, box, disk, round);
  Release(trace, p, box, disk);
  close(disk);
}

Oracle Of(const Params& p, const Round& round) {
  const std::string name = round.name;
  const bool low = p["protect"] == "low";
  return AllOf(Size(name + ".before", Eq(2 * kKept)),
               Count(name + ".status", Eq(low ? 0 : SIGKILL)),
               Count(name + ".kills", Eq(low ? 0 : 1)));
}

Oracle Expect(const Params& p, const Facts&) {
  Oracle all = Survives();
  for (const Round& round : kRounds) all = AllOf(all, Of(p, round));
  all = AllOf(all, Size("all.both", Eq(2 * kKept)),
              Size("released.two", Eq(kKept)));
  // Reclaim takes clusters, the last of each with what was protected.
  constexpr Bytes kShare = 2_MiB;
  if (p["protect"] == "min") {
    return AllOf(all, Size("none.both", Eq(0_B)),
                 Size("part.both", Between(kShare / 2, kShare)),
                 Size("part.one", Between(kShare / 8, kShare * 3 / 4)),
                 Size("part.two", Between(kShare / 8, kShare * 3 / 4)));
  }
  // What is pressed by files only need not lose all that it may.
  return AllOf(all, Size("none.both", Le(2 * kKept - 1_MiB)),
               Size("part.both", Between(kShare / 2, 2 * kKept - 1_MiB)));
}

const Register kProtectionTree{
    {.id = "memcg/protection_tree",
     .summary = "a parent's memory.min and memory.low cap and share theirs",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: the effective "
                           "min (low) boundary is limited by memory.min "
                           "(memory.low) values of all ancestor cgroups; "
                           "overcommitted, each child gets the part of it "
                           "that is proportional to its usage",
                  .deed = "two siblings claim 4 MiB each and read 3 MiB of a "
                          "disk, below a parent that has nothing, 2 MiB, or "
                          "enough; beside it, one reads or writes more than "
                          "there is room for",
                  .functions = "effective_protection, "
                               "mem_cgroup_calculate_protection, "
                               "propagate_protected_usage",
                  .look_at = "<parent>.one and .two are what is left of each"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .no_swap = true,
               .cgroup = 2,
               .alone = true,
               .disk = kDisk},
     .params = {{"protect", {"low", "min"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "part.both",
                  .better = Better::kHigher,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1 << 20,
                  .cause = "reclaim takes clusters of 32 pages"}}}};

}  // namespace
}  // namespace oomgate
