// SPDX-License-Identifier: Apache-2.0
// cgroup v1 tells listeners what happens below them: usage that passes a
// threshold, up or down; pressure, to the nearest listener, to all, or of the
// group's own only.
#include "cases/memcg/groups.h"
#include "cases/memcg/listener.h"
#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kBelow = 3_MiB;
constexpr const char* kThreshold = "4194304";
constexpr Bytes kAbove = 6_MiB;
constexpr Bytes kLimit = 4_MiB;  // of who reads a disk
constexpr Bytes kRead = 24_MiB;
constexpr int kSoon = 5000;  // milliseconds, for what must be told
constexpr int kStill = 100;  // for what must not
constexpr const char* kUsage = "memory.usage_in_bytes";
constexpr const char* kPressure = "memory.pressure_level";

struct Listeners : Scene {
  int keeps_pages = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  GroupInBox top{trace, f, "top"};
  // A child of one of two groups grows and shrinks; their parent has a
  // threshold.
  ChildGroup one{trace, top, "one"};
  ChildGroup other{trace, top, "other"};
  std::optional<Listener> of_top{std::in_place, trace, top, kUsage, kThreshold};
  std::optional<Listener> of_other{std::in_place, trace, other, kUsage,
                                   "65536"};
  Member child{trace};
  // What makes pressure is three groups deep.
  ChildGroup middle{trace, top, "middle"};
  ChildGroup leaf{trace, middle, "leaf"};
  std::optional<Listener> nearest = {};
  std::optional<Listener> above = {};
  std::optional<Listener> all = {};
  std::optional<Listener> own = {};

  void Press() const {
    RunChildIn(trace, leaf, [&] { ReadDisk(trace, 0_B, kRead); });
  }
};

Row<Listeners> Told(const char* name, std::optional<Listener> Listeners::*who,
                    int wait, bool is) {
  return {name,
          [=](Listeners& l) {
            return l.*who ? std::int64_t{(l.*who)->Told(wait)} : -1;
          },
          std::int64_t{is}};
}

Steps<Listeners> Make(const Params&, const Facts&) {
  return {
      {"write 3 MiB below a threshold of 4",
       [](Listeners& l) {
         l.child.RunToPause(l.one, [&] {
           const Range range = MapAnonymous(l.trace, kAbove);
           WritePages(l.trace, range.Part(0_B, kBelow));
           l.child.Pause();
           WritePages(l.trace, range.Part(kBelow, kAbove - kBelow));
           l.child.Pause();
           Unmap(l.trace, range);
           l.child.Pause();
         });
       },
       {Told("told", &Listeners::of_top, kStill, false),
        {"usage", SizeIn(&Listeners::top, kUsage), Ge(kBelow)}}},
      {"write 3 MiB more",
       [](Listeners& l) { l.child.GoOn(); },
       {Told("told", &Listeners::of_top, kSoon, true),
        Told("told again", &Listeners::of_top, kStill, false)}},
      {"unmap all",
       [](Listeners& l) { l.child.GoOn(); },
       {Told("told", &Listeners::of_top, kSoon, true),
        Told("other told", &Listeners::of_other, 0, false)}},

      {"read in a small group, four listen",
       [](Listeners& l) {
         l.child.Kill();
         l.leaf.Set(l.trace, "memory.limit_in_bytes", kLimit);
         l.nearest.emplace(l.trace, l.leaf, kPressure, "low");
         l.above.emplace(l.trace, l.top, kPressure, "low");
         l.all.emplace(l.trace, l.top, kPressure, "low,hierarchy");
         l.own.emplace(l.trace, l.top, kPressure, "low,local");
         l.Press();
       },
       {Told("nearest told", &Listeners::nearest, kSoon, true),
        Told("all told", &Listeners::all, kSoon, true),
        Told("above told", &Listeners::above, kStill, false),
        Told("own told", &Listeners::own, 0, false)}},
      {"read again, only one above listens",
       [](Listeners& l) {
         l.nearest.reset();
         l.all.reset();
         l.own.reset();
         l.above.emplace(l.trace, l.top, kPressure, "low");
         l.Press();
       },
       {Told("told", &Listeners::above, kSoon, true)}},
  };
}

const Register kV1Notifications{
    {.id = "memcg/v1_notifications",
     .summary = "v1 tells of thresholds and pressure, to who asked for it",
     .claim = "Documentation/admin-guide/cgroup-v1/memory: memory thresholds, "
              "memory pressure; seed 1: observing OOM",
     .functions =
         "__mem_cgroup_threshold, vmpressure_work_fn, vmpressure_event",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 1, .alone = true, .disk = 64_MiB},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
