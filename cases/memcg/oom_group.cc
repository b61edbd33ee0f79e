// SPDX-License-Identifier: Apache-2.0
// memory.oom.group makes the members of a group live or die together: without
// it exactly the largest dies, with it all that may be killed at all.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr int kMembers = 4;  // idle ones
constexpr int kDying = 5000;

void Protect(Trace& trace) {
  WriteKnob(trace, "/proc/self/oom_score_adj", "-1000");
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group top = box.Child("top");
  top.GiveToChildren(trace);
  const Group group = top.Child(trace, "group");
  const Group other = top.Child(trace, "other");
  const bool at_top = p["at"] == "above";
  // By all: of those below the limit the highest counts.
  const bool by_all = p["group"] == "all";
  const bool together = by_all || p["group"] == "1";
  const auto set = [&](const Group& one, bool limited) {
    one.Set(trace, "memory.oom.group",
            together && (limited || by_all) ? "1" : "0");
  };
  set(top, at_top);
  set(group, !at_top);
  (at_top ? top : group).Set(trace, "memory.max", kLimit);
  Gate ready(trace);
  pid_t idle[kMembers];
  for (pid_t& pid : idle) {
    const int i = static_cast<int>(&pid - idle);
    // The last one is protected; the one before stands beside.
    pid = StartChildIn(trace, i == kMembers - 2 ? other : group, [&] {
      if (i == kMembers - 1) Protect(trace);
      ready.Open();
      WaitForever();
    });
  }
  for (int i = 0; i < kMembers; ++i) ready.Pass();
  const std::int64_t kills = Vmstat("oom_kill");
  const pid_t hog = StartChildIn(trace, group, [&] {
    WritePages(trace, MapAnonymous(trace, 2 * kLimit));
  });
  trace.Set("hog", Reap(hog));
  const char* names[] = {"first", "second", "beside", "protected"};
  for (int i = 0; i < kMembers; ++i) {
    // Those that must die may take a moment; those that must live, none.
    int status = 0;
    const bool dies = together && (i < 2 || (i == 2 && at_top));
    EndsWithin(idle[i], dies ? kDying : 50, status);
    trace.Set(names[i], status);
    if (status == 0) EndChild(idle[i]);
  }
  for (const char* event : {"max", "oom", "oom_kill", "oom_group_kill"}) {
    char name[48];
    std::snprintf(name, sizeof name, "top.%s", event);
    trace.Set(name, top.Field("memory.events", event));
    std::snprintf(name, sizeof name, "top.local.%s", event);
    trace.Set(name, top.Field("memory.events.local", event));
    std::snprintf(name, sizeof name, "group.%s", event);
    trace.Set(name, group.Field("memory.events", event));
  }
  // The machine counts the kills of all its groups.
  trace.Set("machine.oom_kill", Vmstat("oom_kill") - kills);
  group.Remove(trace);
  other.Remove(trace);
  top.Remove(trace);
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool together = p["group"] != "0";
  const bool above = p["at"] == "above";
  const int killed = together ? SIGKILL : 0;
  // The victim is killed by name and again as a member of its group.
  // With several CPUs it may be gone by then.
  const int kills = !together ? 1 : above ? 5 : 4;
  const int least = together && f.cpus > 1 ? kills - 1 : kills;
  // oom_group_kill came with 5.17.
  const int group_kills = f.kernel < KernelVersion{5, 17} ? -1 : together;
  const int none = f.kernel < KernelVersion{5, 17} ? -1 : 0;
  return AllOf(
      Survives(), Count("hog", Eq(SIGKILL)), Count("first", Eq(killed)),
      Count("second", Eq(killed)), Count("beside", Eq(above ? killed : 0)),
      Count("protected", Eq(0)), Count("top.oom", Eq(1)),
      Count("top.local.oom", Eq(above ? 1 : 0)),
      Count("group.oom", Eq(above ? 0 : 1)),
      Count("top.oom_kill", Between(least, kills)),
      Difference("machine.oom_kill", "top.oom_kill", Eq(0)),
      Count("group.oom_kill",
            Between(least - (together && above), kills - (together && above))),
      Count("top.local.oom_kill", Eq(0)),
      Count("top.oom_group_kill", Eq(group_kills)),
      Count("top.local.oom_group_kill", Eq(above ? group_kills : none)),
      Count("group.oom_group_kill", Eq(above ? none : group_kills)));
}

const Register kOomGroup{
    {.id = "memcg/oom_group",
     .summary = "memory.oom.group: all members die, and nobody beside",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: with "
                           "memory.oom.group all tasks of the cgroup are "
                           "killed together or not at all, but those with "
                           "oom_score_adj -1000; seed 1: observing OOM",
                  .deed = "fills a group of idle members, of which one is "
                          "protected and one stands in the group beside; the "
                          "knob is set where the limit is, or everywhere",
                  .functions = "mem_cgroup_get_oom_group, "
                               "mem_cgroup_scan_tasks, oom_kill_memcg_member",
                  .look_at = "first and second are the members' wait status, "
                             "beside the neighbour's"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2, .alone = true},
     .params = {{"group", {"0", "1", "all"}}, {"at", {"own", "above"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
