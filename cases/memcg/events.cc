// SPDX-License-Identifier: Apache-2.0
// memory.events tells of every limit met and every kill, once: at the group
// whose limit it was, at the victim's, at all above, and locally nowhere else.
#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

struct Groups : Scene {
  GroupInBox top{trace, f, "top"};
  ChildGroup other{trace, top, "other"};
  Group victim = top.Child(trace, "victim");
  pid_t bystander = StartChildIn(trace, other, WaitForever);

  void WriteBeyond() {
    const Group& limited = p["limit"] == "above" ? top : victim;
    limited.Set(trace, "memory.max", 8_MiB);
    WriteIn(&Groups::victim, 16_MiB)(*this);
  }
  void RemoveVictim() const { victim.Remove(trace); }
  bool VictimExists() const { return victim.Has("cgroup.procs"); }
  int Bystander() const { return ErrnoOf(kill(bystander, 0)); }
};

// The events of a group, or its local ones. `limit`: its own limit was met;
// `killed`: a member was killed.
template <typename G>
Row<Groups> Told(G Groups::*group, const std::string& name, const Facts& f,
                 bool limit, bool killed) {
  const char* const file =
      name.ends_with("local") ? "memory.events.local" : "memory.events";
  const auto event = [&](const char* what, auto count) {
    return Row<Groups>(name + " " + what, CountIn(group, file, what), count);
  };
  // The limit is told once for every attempt to get below it:
  // MAX_RECLAIM_RETRIES of them, and a few. oom_group_kill came with 5.17.
  return Rows<Groups>{
      event("low", 0),
      event("high", 0),
      event("max", limit ? Between(17, 40) : Between(0, 0)),
      event("oom", limit ? 1 : 0),
      event("oom_kill", killed ? 1 : 0),
      event("oom_group_kill", f.kernel < KernelVersion{5, 17} ? -1 : 0)};
}

Steps<Groups> Make(const Params& p, const Facts& f) {
  const bool above = p["limit"] == "above";
  return {{"write beyond the limit in a child", &Groups::WriteBeyond,
           Count("status", SIGKILL), Count("oom_kills", 1),
           Told(&Groups::top, "top", f, true, true),
           Told(&Groups::top, "top local", f, above, false),
           Told(&Groups::victim, "victim", f, !above, true),
           Told(&Groups::victim, "victim local", f, !above, true),
           Told(&Groups::other, "other", f, false, false),
           Told(&Groups::other, "other local", f, false, false),
           Is("bystander", &Groups::Bystander, 0)},
          // What was in it is still told.
          {"remove the victim's group", &Groups::RemoveVictim,
           Is("exists", &Groups::VictimExists, 0),
           Is("oom_kill", Event(&Groups::top, "oom_kill"), 1)}};
}

const Register kMemcgEvents{
    {.id = "memcg/events",
     .summary = "memory.events counts limits and kills, each at its group",
     .claim = "Documentation/admin-guide/cgroup-v2: memory.events is "
              "hierarchical, memory.events.local is not; seed 1: observing OOM",
     .functions = "memcg_memory_event, memcg_memory_event_mm, mem_cgroup_oom",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .params = {{"limit", {"own", "above"}}},
     .steps = Make,
     .metrics = {{.name = "victim.max",
                  .unit = "events",
                  .value = "write beyond the limit in a child.victim max"}}}};

}  // namespace
}  // namespace oomgate
