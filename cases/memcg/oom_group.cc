// SPDX-License-Identifier: Apache-2.0
// memory.oom.group makes the members of a group live or die together: without
// it exactly the largest dies, with it all that may be killed at all.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr int kDying = 5000;
// Members that do nothing: two in the group, one in the group beside, and one
// in the group again that must not be killed.
constexpr const char* kIdle[] = {"first", "second", "beside", "protected"};
constexpr int kMembers = 4;

struct Members : Scene {
  bool above = p["at"] == "above";
  bool together = p["group"] != "0";
  GroupInBox top{trace, f, "top"};
  ChildGroup group{trace, top, "group"};
  ChildGroup other{trace, top, "other"};
  pid_t idle[kMembers] = {};

  // By all: of those below the limit the highest counts.
  void Limit(const Group& one, bool limited) const {
    const bool kills = together && (limited || p["group"] == "all");
    one.Set(trace, "memory.oom.group", kills ? 1 : 0);
    if (limited) one.Set(trace, "memory.max", kLimit);
  }
  void StartIdle() {
    Limit(top, above);
    Limit(group, !above);
    Gate ready(trace);
    for (int i = 0; i < kMembers; ++i) {
      idle[i] = StartChildIn(trace, i == 2 ? other : group, [&] {
        if (i == 3) WriteKnob(trace, "/proc/self/oom_score_adj", "-1000");
        ready.Open();
        WaitForever();
      });
    }
    for (int i = 0; i < kMembers; ++i) ready.Pass();
  }
  // How they all end.
  void Fill() const {
    Set("hog", RunChildIn(trace, group, [&] {
          WritePages(trace, MapAnonymous(trace, 2 * kLimit));
        }));
    for (int i = 0; i < kMembers; ++i) {
      // Those that must die may take a moment; those that must live, none.
      const bool dies = together && (i < 2 || (i == 2 && above));
      int status = 0;
      EndsWithin(idle[i], dies ? kDying : 50, status);
      Set(kIdle[i], status);
    }
  }
  std::int64_t Idle() const {
    return std::ranges::count_if(
        idle, [](pid_t pid) { return pid != 0 && ProcessState(pid) != 'Z'; });
  }
};

auto Local(const char* key) {
  return CountIn(&Members::top, "memory.events.local", key);
}

Steps<Members> Make(const Params& p, const Facts& f) {
  const bool together = p["group"] != "0";
  const bool above = p["at"] == "above";
  const int killed = together ? SIGKILL : 0;
  // The victim is killed by name and again as a member of its group.
  // With several CPUs it may be gone by then.
  const std::int64_t kills = !together ? 1 : above ? 5 : 4;
  const std::int64_t least = together && f.cpus > 1 ? kills - 1 : kills;
  const std::int64_t beside = together && above ? 1 : 0;
  // oom_group_kill came with 5.17.
  const bool told = f.kernel >= KernelVersion{5, 17};
  const std::int64_t none = told ? 0 : -1;
  const std::int64_t group_kills = told && together ? 1 : none;
  return {
      {"start four idle members",
       &Members::StartIdle,
       {{"idle", &Members::Idle, kMembers}}},
      {"write 16 MiB of 8 in the group",
       &Members::Fill,
       {Count("hog", SIGKILL),
        Count("first", killed),
        Count("second", killed),
        Count("beside", above ? killed : 0),
        Count("protected", 0),
        {"oom", Event(&Members::top, "oom"), 1},
        {"local oom", Local("oom"), above ? 1 : 0},
        {"group's oom", Event(&Members::group, "oom"), above ? 0 : 1},
        {"oom_kill", Event(&Members::top, "oom_kill"), Between(least, kills)},
        // The machine counts the kills of all its groups.
        Change(
            "machine's", [] { return Vmstat("oom_kill"); },
            Between(least, kills)),
        Difference("machine's", "oom_kill", 0),
        {"group's oom_kill", Event(&Members::group, "oom_kill"),
         Between(least - beside, kills - beside)},
        {"local oom_kill", Local("oom_kill"), 0},
        {"oom_group_kill", Event(&Members::top, "oom_group_kill"), group_kills},
        {"local oom_group_kill", Local("oom_group_kill"),
         above ? group_kills : none},
        {"group's oom_group_kill", Event(&Members::group, "oom_group_kill"),
         above ? none : group_kills}}},
  };
}

const Register kOomGroup{
    {.id = "memcg/oom_group",
     .summary = "memory.oom.group: all members die, and nobody beside",
     .claim = "Documentation/admin-guide/cgroup-v2: with memory.oom.group all "
              "tasks of the cgroup are killed together or not at all, but "
              "those with oom_score_adj -1000; seed 1: observing OOM",
     .functions = "mem_cgroup_get_oom_group, mem_cgroup_scan_tasks, "
                  "oom_kill_memcg_member",
     .look_at = "first, second, beside and protected are wait statuses",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .params = {{"group", {"0", "1", "all"}}, {"at", {"own", "above"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
