// SPDX-License-Identifier: Apache-2.0
// memory.events tells of every limit met and every kill, once: at the group
// whose limit it was, at the victim's, at all above, and locally nowhere else.
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr const char* kEvents[] = {"low", "high",     "max",
                                   "oom", "oom_kill", "oom_group_kill"};

void Report(Trace& trace, const char* name, const Group& group) {
  for (const char* event : kEvents) {
    char text[48];
    std::snprintf(text, sizeof text, "%s.%s", name, event);
    trace.Set(text, group.Field("memory.events", event));
    std::snprintf(text, sizeof text, "%s.local.%s", name, event);
    trace.Set(text, group.Field("memory.events.local", event));
  }
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group top = box.Child("top");
  top.GiveToChildren(trace);
  const Group victim = top.Child(trace, "victim");
  const Group other = top.Child(trace, "other");
  (p["limit"] == "above" ? top : victim).Set(trace, "memory.max", kLimit);
  const pid_t bystander = StartChildIn(trace, other, WaitForever);
  const pid_t child = StartChildIn(trace, victim, [&] {
    WritePages(trace, MapAnonymous(trace, 2 * kLimit));
  });
  trace.Set("status", Reap(child));
  Report(trace, "top", top);
  Report(trace, "victim", victim);
  Report(trace, "other", other);
  trace.Set("bystander", kill(bystander, 0));
  EndChild(bystander);
  victim.Remove(trace);
  other.Remove(trace);
  // What was in a removed child is still told.
  trace.Set("after.oom_kill", top.Field("memory.events", "oom_kill"));
  top.Remove(trace);
}

// `limit`: its own limit was met; `killed`: a member was killed.
Oracle Events(const std::string& name, const Facts& f, bool limit,
              bool killed) {
  // Told once for every attempt to get below the limit: MAX_RECLAIM_RETRIES
  // of them, and a few.
  // oom_group_kill came with 5.17.
  const bool has_group = f.kernel >= KernelVersion{5, 17};
  return AllOf(Count(name + ".low", Eq(0)), Count(name + ".high", Eq(0)),
               Count(name + ".max", limit ? Between(17, 40) : Between(0, 0)),
               Count(name + ".oom", Eq(limit ? 1 : 0)),
               Count(name + ".oom_kill", Eq(killed ? 1 : 0)),
               Count(name + ".oom_group_kill", Eq(has_group ? 0 : -1)));
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool above = p["limit"] == "above";
  return AllOf(
      Survives(), Count("status", Eq(SIGKILL)), Count("oom_kills", Eq(1)),
      Count("bystander", Eq(0)), Events("top", f, true, true),
      Events("top.local", f, above, false), Events("victim", f, !above, true),
      Events("victim.local", f, !above, true), Events("other", f, false, false),
      Events("other.local", f, false, false), Count("after.oom_kill", Eq(1)));
}

const Register kMemcgEvents{
    {.id = "memcg/events",
     .summary = "memory.events counts limits and kills, each at its group",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: memory.events "
                           "is hierarchical, memory.events.local is not; seed "
                           "1: observing OOM",
                  .deed = "lets a child die at its own limit, or at the one "
                          "of the group above, beside another child",
                  .functions = "memcg_memory_event, memcg_memory_event_mm, "
                               "mem_cgroup_oom",
                  .look_at = "local events at a group that had none say that "
                             "events are told to the wrong group"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .params = {{"limit", {"own", "above"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "victim.max", .unit = "events"}}}};

}  // namespace
}  // namespace oomgate
