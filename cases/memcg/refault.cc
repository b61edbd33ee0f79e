// SPDX-License-Identifier: Apache-2.0
// A page that is read again after it was reclaimed is a refault: of the group
// that reads it, whoever had it before.
#include "cases/memcg/groups.h"
#include "cases/memcg/push_out.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr const char* kFile = "workingset_refault_file";
constexpr const char* kAnon = "workingset_refault_anon";
constexpr KernelFolder kGenerations("/sys/kernel/mm/lru_gen");

struct Readers : Scene {
  // The multi-generational LRU counts another group's pages in its own way.
  int generations_off =
      kGenerations.Has("enabled") ? kGenerations.Write("enabled", "n") : 0;
  int disk =
      Must(trace, "open of the scratch disk", open(kScratchDisk, O_RDONLY));
  OpenedBox box{trace, f};
  ChildGroup first{trace, box.box(), "first"};
  ChildGroup second{trace, box.box(), "second"};
  ChildGroup third{trace, box.box(), "third"};
  pid_t in_first = Resident(first);
  pid_t in_second = Resident(second);
  Member in_third{trace};
  const Group* holder = nullptr;
  std::int64_t before[3] = {};

  // A group of a few pages soon forgets what it had (count_shadow_nodes): each
  // has a member whose pages stay.
  pid_t Resident(const Group& group) const {
    Gate locked(trace);
    const pid_t child = StartChildIn(trace, group, [&] {
      Lock(trace, MapAnonymous(trace, kSize));
      locked.Open();
      WaitForever();
    });
    locked.Pass();
    return child;
  }
  Bytes InMemory() const { return CachedOfDisk(trace, disk, 0_B, kSize); }
  // Out of memory, so that its shadow stays.
  void Reclaim(const Group& group) const {
    HoldsWithin(3000, [&] {
      if (group.Has("memory.reclaim")) {
        group.Write("memory.reclaim", kSize);
      } else {
        group.Set(trace, "memory.high", "0");
        group.Set(trace, "memory.high", "max");
      }
      return InMemory() == 0_B;
    });
  }
  void Read(const Group& group) {
    if (holder != nullptr) Reclaim(*holder);
    Set("in memory", InMemory());
    before[0] = first.Field("memory.stat", kFile);
    before[1] = second.Field("memory.stat", kFile);
    RunChildIn(trace, group, [&] { ReadDisk(trace, 0_B, kSize); });
    holder = &group;
  }
};

Steps<Readers> Make(const Params&, const Facts& f) {
  const auto about = [error = StatError(f) / kPage](std::int64_t pages) {
    return Between(pages - error, pages + error);
  };
  const auto told = [=](const char* name, ChildGroup Readers::*group, int which,
                        std::int64_t pages) -> Row<Readers> {
    return Soon(
        name,
        [=](Readers& r) {
          return (r.*group).Field("memory.stat", kFile) - r.before[which];
        },
        about(pages));
  };
  const auto refaults = [&](std::int64_t first, std::int64_t second) {
    return Rows<Readers>{Size("in memory", 0_B),
                         told("first", &Readers::first, 0, first),
                         told("second", &Readers::second, 1, second)};
  };
  const auto read_in_first = [](Readers& r) { r.Read(r.first); };
  const auto read_in_second = [](Readers& r) { r.Read(r.second); };
  const std::int64_t error = StatError(f) / kPage;
  return {
      {"read in a group", read_in_first, refaults(0, 0)},
      {"reclaim, read in the same", read_in_first, refaults(kPages, 0)},
      {"reclaim, read in another", read_in_second, refaults(0, kPages)},
      {"reclaim, read in that again", read_in_second, refaults(0, kPages)},
      {"write in a third, push it to swap",
       [](Readers& r) {
         r.in_third.RunToPause(r.third, [&] {
           const Range range = MapAnonymous(r.trace, kSize);
           WritePages(r.trace, range);
           PushOut(r.trace, r.third, range);
           r.Set("swap", ReadMapping(range).swap);
           r.in_third.Pause();
           ReadPages(r.trace, range);
           r.in_third.Pause();
         });
       },
       {Size("swap", kSize)}},
      {"read it from swap",
       [=](Readers& r) {
         const auto refaulted = [&] {
           return r.third.Field("memory.stat", kAnon);
         };
         r.before[2] = OnceHolds(3000, refaulted, [&](std::int64_t number) {
           return Near(r.f, number * 4096, 0_B);
         });
         r.in_third.GoOn();
       },
       // Pages that a CPU still held in a batch as they were written out may be
       // back without the disk; what the child has beside its pages may come
       // back as well.
       {Soon(
            "of anonymous pages",
            [](Readers& r) {
              return r.third.Field("memory.stat", kAnon) - r.before[2];
            },
            Between(kPages - 64 * f.cpus - error, kPages + 64 + error)),
        {"of file pages", CountIn(&Readers::third, "memory.stat", kFile),
         about(0)}}},
  };
}

const Register kRefault{
    {.id = "memcg/refault",
     .summary = "a page read again after reclaim is a refault of the reader",
     .claim = "Documentation/admin-guide/cgroup-v2: workingset_refault_anon, "
              "workingset_refault_file; seed 1: memory observation",
     .functions = "workingset_eviction, workingset_refault",
     .look_at = "first and second are refaults of the two groups",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .alone = true,
               .disk = 64_MiB,
               .settings = {{"/proc/sys/vm/page-cluster", "0"}},
               .box = {{"memory.swap.max", "max"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
