// SPDX-License-Identifier: Apache-2.0
// A process bound to one NUMA node that needs more than the node has does not
// fail and does not spill: it is OOM-killed, while other nodes have room.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

void HoldAnywhere(Trace& trace, const Params&, const Facts&) {
  WritePages(trace, MapAnonymous(trace, 40_MiB));
}

void HoldOnNode0(Trace& trace, const Params&, const Facts&) {
  if (SetPolicy(MPOL_BIND, kNode0) != 0) trace.Stop("set_mempolicy", errno);
  WritePages(trace, MapAnonymous(trace, 64_MiB));
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Range range = MapAnonymous(trace, f.ram);
  const int error = p["bind"] == "process"
                        ? SetPolicy(MPOL_BIND, kNode1)
                        : BindRange(range, MPOL_BIND, kNode1);
  if (error != 0) trace.Stop("bind", error);
  trace.Set("node_free", NodeMeminfo(1, "MemFree"));
  WritePages(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  // Reserves stay free, and a few pages of others can be reclaimed.
  return AllOf(OomKilled(), OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_MEMORY_POLICY"), OomNodemask("1"),
               Percent("written", "node_free", Between(90.0, 102.0)),
               BystandersSurvive());
}

const Register kMembindOom{
    {.id = "numa/membind_oom",
     .summary = "bound to a full node: killed, not failed, not spilled over",
     .claim = "Seed 1: \"--membind must allocate there, fails otherwise\": it "
              "does not fail, it is OOM-killed",
     .deed = "bound to node 1, writes more than that node has",
     .functions = "constrained_alloc, oom_cpuset_eligible, mpol_in_nodemask",
     .look_at = "a dead bystander says that the killer looked beyond the "
                "policy's nodes",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .no_swap = true,
               .nodes = 2,
               .kernel_log = true,
               // Of a whole machine only: a full node is no reason to panic.
               .settings = {kVmKnobs.With("panic_on_oom", "1")}},
     .params = {{"bind", {"process", "mapping"}}},
     .subject = Subject,
     .expect = Expect,
     .bystanders = {{.name = "anywhere", .prepare = HoldAnywhere},
                    // By its points it would be the first to die.
                    {.name = "on_node0",
                     .prepare = HoldOnNode0,
                     .oom_score_adj = 1000}},
     .oom_score_adj = 0,
     .metrics = {Metric::Size("written").HigherIsBetter().Within(
         8 << 20, "free memory of the node at the start")}}};

}  // namespace
}  // namespace oomgate::numa
