// SPDX-License-Identifier: Apache-2.0
// A policy's nodes follow the cpuset: as asked for (static), by their order
// (relative), or from the set before to the set after (neither). Pages that are
// there move along.
#include <sys/stat.h>

#include <cstdio>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 100;  // touched at each step
constexpr const char* kRoot = "/sys/fs/cgroup/cgroup.subtree_control";
constexpr const char* kFolder = "/sys/fs/cgroup/rebind";
constexpr const char* kOther = "/sys/fs/cgroup/other";
constexpr const char* kMems = "/sys/fs/cgroup/rebind/cpuset.mems";

struct Flag {
  const char* name;
  int mode;
};
constexpr Flag kFlags[] = {
    {"plain", MPOL_INTERLEAVE},
    {"static", MPOL_INTERLEAVE | MPOL_F_STATIC_NODES},
    {"relative", MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES}};
constexpr const char* kSteps[] = {"both", "narrow", "wide"};

// How many new pages of each policy come from node 1.
void Place(Trace& trace, const Range* ranges, int step) {
  char name[48];
  int which = 0;
  for (const Flag& flag : kFlags) {
    const Range& range = ranges[which++];
    // Earlier ones may have been moved to where the policy now leads.
    const std::int64_t before = PagesOnNode(range, 1);
    WritePages(trace, range.Part(step * kPages * kPage, kPages * kPage));
    std::snprintf(name, sizeof name, "%s.%s", flag.name, kSteps[step]);
    trace.Set(name, PagesOnNode(range, 1) - before);
  }
  // The process's own policy: static as well.
  const Range own = MapAnonymous(trace, kPages * kPage);
  WritePages(trace, own);
  std::snprintf(name, sizeof name, "process.%s", kSteps[step]);
  trace.Set(name, PagesOnNode(own, 1));
  Unmap(trace, own);
}

// The nodes of the policy of a mapping.
std::int64_t PolicyNodes(Trace& trace, const Range& range) {
  int mode = 0;
  unsigned long nodes = 0;
  if (syscall(SYS_get_mempolicy, &mode, &nodes, 64UL, range.start,
              MPOL_F_ADDR) != 0) {
    trace.Stop("get_mempolicy", errno);
  }
  return static_cast<std::int64_t>(nodes);
}

// A process that is moved to another cpuset takes its policies along.
void MoveProcess(Trace& trace) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  WriteKnob(trace, kMems, "1");
  BindRange(range, MPOL_BIND, kNode1);
  trace.Set("moved.before", PolicyNodes(trace, range));
  mkdir(kOther, 0755);
  WriteKnob(trace, "/sys/fs/cgroup/other/cpuset.mems", "0");
  WriteKnob(trace, "/sys/fs/cgroup/other/cgroup.procs", "0");
  trace.Set("moved.after", PolicyNodes(trace, range));
  WritePages(trace, range);
  trace.Set("moved.node0", PagesOnNode(range, 0));
  Unmap(trace, range);
  WriteKnob(trace, "/sys/fs/cgroup/cgroup.procs", "0");
  rmdir(kOther);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  WriteKnob(trace, kRoot, "+cpuset");
  mkdir(kFolder, 0755);
  WriteKnob(trace, kMems, "0-1");
  WriteKnob(trace, "/sys/fs/cgroup/rebind/cgroup.procs", "0");
  Range ranges[3];
  int which = 0;
  for (const Flag& flag : kFlags) {
    Range& range = ranges[which++];
    range = MapAnonymous(trace, 3 * kPages * kPage);
    trace.Set(flag.name, BindRange(range, flag.mode, kBoth));
  }
  trace.Set("process", SetPolicy(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, kBoth));
  Place(trace, ranges, 0);
  WriteKnob(trace, kMems, "0");
  std::int64_t left = 0;
  for (const Range& range : ranges) left += PagesOnNode(range, 1);
  trace.Set("left", left);
  Place(trace, ranges, 1);
  // What was asked for is kept, and told, where the flags say so.
  trace.Set("plain.nodes", PolicyNodes(trace, ranges[0]));
  trace.Set("static.nodes", PolicyNodes(trace, ranges[1]));
  trace.Set("relative.nodes", PolicyNodes(trace, ranges[2]));
  WriteKnob(trace, kMems, "0-1");
  Place(trace, ranges, 2);
  SetPolicy(MPOL_DEFAULT, 0);
  for (const Range& range : ranges) Unmap(trace, range);
  MoveProcess(trace);
  WriteKnob(trace, "/sys/fs/cgroup/cgroup.procs", "0");
  rmdir(kFolder);
}

Oracle Follows(const std::string& name, std::int64_t wide) {
  return AllOf(Count(name, Eq(0)), Count(name + ".both", Eq(kPages / 2)),
               Count(name + ".narrow", Eq(0)), Count(name + ".wide", Eq(wide)));
}

Oracle Expect(const Params&, const Facts& f) {
  // ee9707e8593d (5.15): in v2, too.
  const bool move = f.kernel >= KernelVersion{5, 15};
  return AllOf(
      Survives(), Count("left", Eq(move ? 0 : 3 * kPages / 2)),
      Follows("plain", 0), Follows("static", kPages / 2),
      Follows("relative", kPages / 2), Follows("process", kPages / 2),
      Count("plain.nodes", Eq(kNode0)), Count("static.nodes", Eq(kBoth)),
      Count("relative.nodes", Eq(kBoth)), Count("moved.before", Eq(kNode1)),
      Count("moved.after", Eq(kNode0)), Count("moved.node0", Eq(kPages)));
}

const Register kCpusetRebind{
    {.id = "numa/cpuset_rebind",
     .summary = "pages and policies follow a cpuset that narrows and widens",
     .explains = {.claim = "Seed 1 (numactl); set_mempolicy(2): "
                           "MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES; "
                           "cgroup-v2: cpuset.mems migrates pages",
                  .deed = "interleaves 100 pages by each kind of policy, with "
                          "cpuset.mems at 0-1, at 0, and at 0-1 again; binds "
                          "to node 1 in a cpuset of that and moves to one of "
                          "node 0",
                  .functions = "mpol_rebind_nodemask, mpol_rebind_task, "
                               "mpol_rebind_mm, mpol_relative_nodemask, "
                               "cpuset_migrate_mm",
                  .look_at = "<policy>.<step> is what came from node 1: half, "
                             "none, half again (plain: none, it was "
                             "remapped to node 0); left is what a narrow "
                             "cpuset did not move from there; moved.after "
                             "the nodes (1: node 0) after the move"},
     .blast = Blast::kMachine,
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
