// SPDX-License-Identifier: Apache-2.0
// cgroup v1, oom_kill_disable: a task that meets the limit sleeps until there
// is room, and can be killed meanwhile; a system call is told ENOMEM instead;
// a listener is told of the OOM.
#include "cases/memcg/groups.h"
#include "cases/memcg/listener.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 12_MiB;
constexpr int kDeadline = 10000;

void LimitWithoutKiller(Trace& trace, const Group& group) {
  group.Set(trace, "memory.limit_in_bytes", kLimit);
  group.Set(trace, "memory.oom_control", "1");
}

struct Disabled : Scene {
  GroupInBox group{trace, f};
  Listener oom{trace, group, "memory.oom_control"};
  Member child{trace};

  // It sleeps, and its group says why. Not by wchan: up to 5.10 that is hidden.
  void AwaitSleep(const Member& member, const Group& full) const {
    Set("asleep", HoldsWithin(kDeadline, [&] {
          return ProcessState(member.pid()) == 'D' &&
                 full.Field("memory.oom_control", "under_oom") == 1;
        }));
  }
  void LetOneSleep() {
    child.Start(group,
                [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
    AwaitSleep(child, group);
  }
};

// At a limit of both, what one gives back wakes the other.
void ReleaseBeside(Disabled& d) {
  const GroupInBox both(d.trace, d.f, "both");
  LimitWithoutKiller(d.trace, both);
  const ChildGroup holder(d.trace, both, "holder");
  const ChildGroup hog(d.trace, both, "hog");
  Member other(d.trace);
  other.RunToPause(holder, [&] {
    const Range range = MapAnonymous(d.trace, kLimit / 2);
    WritePages(d.trace, range);
    other.Pause();
    Unmap(d.trace, range);
    other.Pause();
  });
  d.child.Start(
      hog, [&] { WritePages(d.trace, MapAnonymous(d.trace, kLimit * 3 / 4)); });
  d.AwaitSleep(d.child, both);
  other.GoOn();
  d.Set("status", d.child.EndWithin(kDeadline));
}

Steps<Disabled> Make(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 64 * kPage;
  const auto control = [](const char* key) {
    return CountIn(&Disabled::group, "memory.oom_control", key);
  };
  const auto told = [](int milliseconds) {
    return [=](Disabled& d) { return d.oom.Told(milliseconds); };
  };
  const auto written = [](Disabled& d) { return d.child.Written(); };
  return {
      {"turn the killer off",
       [](Disabled& d) { LimitWithoutKiller(d.trace, d.group); },
       {{"oom_kill_disable", control("oom_kill_disable"), 1},
        {"told", told(0), 0}}},
      {"write 12 MiB of 8",
       &Disabled::LetOneSleep,
       {{"told", told(kDeadline), 1},
        Count("asleep", 1),
        {"state", [](Disabled& d) { return ProcessState(d.child.pid()); }, 'D'},
        {"under_oom", control("under_oom"), 1},
        {"usage", SizeIn(&Disabled::group, "memory.usage_in_bytes"), kLimit},
        {"failcnt", CountIn(&Disabled::group, "memory.failcnt"), Ge(1)},
        {"full", written, Between(kLimit - kOwn, kLimit)}}},
      {"wait 50 ms",
       [](Disabled& d) { d.Set("status", d.child.EndWithin(50)); },
       {Count("status", Member::kRuns), Change("written", written, 0_B)}},
      // It goes on, and ends as if nothing had been.
      {"raise the limit",
       [](Disabled& d) {
         d.group.Set(d.trace, "memory.limit_in_bytes", 2 * kWanted);
         d.Set("status", d.child.EndWithin(kDeadline));
       },
       {Count("status", 0),
        {"written", written, kWanted},
        {"under_oom", control("under_oom"), 0}}},
      {"kill one that sleeps",
       [](Disabled& d) {
         HoldsWithin(5000, [&] {
           return d.group.Write("memory.limit_in_bytes", kLimit) == 0;
         });
         d.LetOneSleep();
         kill(d.child.pid(), SIGKILL);
         d.Set("status", d.child.EndWithin(kDeadline));
       },
       {Count("asleep", 1), Count("status", SIGKILL)}},
      {"turn the killer on while one sleeps",
       [](Disabled& d) {
         d.LetOneSleep();
         d.group.Set(d.trace, "memory.oom_control", "0");
         d.Set("status", d.child.EndWithin(kDeadline));
       },
       {Count("asleep", 1),
        Count("status", SIGKILL),
        {"oom_kill", control("oom_kill"), 1}}},
      // In a system call nobody waits.
      {"MADV_POPULATE_WRITE of 12 MiB",
       [](Disabled& d) {
         d.group.Set(d.trace, "memory.oom_control", "1");
         d.Set("status", d.group.Run([&] {
           d.Set("advice", -1);
           d.Set("advice", TryAdvise(MapAnonymous(d.trace, kWanted),
                                     MADV_POPULATE_WRITE));
         }));
       },
       // It came with 5.14.
       {Count("status", 0),
        Count("advice", f.kernel < KernelVersion{5, 14} ? EINVAL : ENOMEM)}},
      {"give back beside one that sleeps",
       ReleaseBeside,
       {Count("asleep", 1), Count("status", 0)}},
  };
}

const Register kV1OomControl{
    {.id = "memcg/v1_oom_control",
     .summary = "v1: with oom_kill_disable a task sleeps at the limit",
     .claim = "Documentation/admin-guide/cgroup-v1/memory: memory.oom_control; "
              "seed 1: observing OOM",
     .functions =
         "mem_cgroup_oom_synchronize, mem_cgroup_oom_notify, memcg_oom_recover",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 1},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
