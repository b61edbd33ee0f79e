// SPDX-License-Identifier: Apache-2.0
// A cpuset whose only node is full: a kill inside it, not a spill, not a kill
// elsewhere, not a panic.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

void HoldOnNode0(Trace& trace, const Params&, const Facts&) {
  SetPolicy(MPOL_BIND, kNode0);
  WritePages(trace, MapAnonymous(trace, 64_MiB));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  EnterCpuset(trace, "node1", "1");
  const Range range = MapAnonymous(trace, f.ram);
  // Nodes that are not in the cpuset cannot be asked for.
  trace.Set("other_node.errno", BindRange(range, MPOL_BIND, kNode0));
  trace.Set("node_free", NodeMeminfo(1, "MemFree"));
  WritePages(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(OomKilled(), OomVictimIsSubject(),
               Count("other_node.errno", EINVAL),
               OomConstraint("CONSTRAINT_CPUSET"), OomNodemask("(null)"),
               KernelLogHas(",mems_allowed=1,"),
               // Reserves stay free, and a few pages of others are reclaimed.
               Percent("written", "node_free", Between(90.0, 102.0)),
               BystandersSurvive());
}

Needs Shape() {
  Needs needs = TwoNodes();
  needs.no_swap = true;
  needs.kernel_log = true;
  needs.settings = {kVmKnobs.With("panic_on_oom", "1")};
  return needs;
}

const Register kCpusetOom{
    {.id = "numa/cpuset_oom",
     .summary = "a full cpuset: its process is killed, others and nodes spared",
     .claim = "Seed 1 (numactl): a set of nodes is a limit, and panic_on_oom=1 "
              "does not reach into it",
     .deed = "in a cpuset with node 1 only, writes more than that has",
     .functions = "constrained_alloc, cpuset_zone_allowed, oom_cpuset_eligible",
     .look_at = "a panic: a constrained OOM was taken for a global one",
     .blast = Blast::kMachine,
     .needs = Shape(),
     .subject = Subject,
     .expect = Expect,
     .bystanders = {{.name = "on_node0", .prepare = HoldOnNode0}},
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::numa
