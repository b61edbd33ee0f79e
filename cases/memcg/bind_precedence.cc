// SPDX-License-Identifier: Apache-2.0
// A task bound to a NUMA node that meets its group's limit dies of the group,
// not of the policy: the report says so, and panic_on_oom=1 does not apply.
#include <linux/mempolicy.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

// The member that dies is the box's, for the judge to find in the log.
void Subject(Trace& trace, const Params& p, const Facts& f) {
  kVmKnobs.Set(trace, "panic_on_oom", 1);
  const int status = RunChild(trace, [&] {
    const unsigned long mask = 1UL << 1;
    const Range range = MapAnonymous(trace, 2 * f.box);
    Must(trace, "binding to node 1",
         p["bind"] == "process"
             ? syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL)
             : syscall(SYS_mbind, range.start, range.size.count, MPOL_BIND,
                       &mask, 64UL, 0));
    const Range first = range.Part(0_B, f.box / 2);
    WritePages(trace, first);
    trace.Set("on_node", PagesOnNode(first, 1));
    WritePages(trace, range.Part(f.box / 2, range.size - f.box / 2));
  });
  trace.Set("status", status);
  kVmKnobs.Set(trace, "panic_on_oom", 0);
  trace.Set("ooms", Group(f).Field("memory.events", "oom"));
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(
      Survives(), Count("status", SIGKILL), Count("on_node", f.box / 2 / kPage),
      Written(Between(f.box - 128 * kPage, f.box)), Count("oom_kills", 1),
      Count("ooms", 1), OomConstraint("CONSTRAINT_MEMCG"));
}

const Register kBindPrecedence{
    {.id = "memcg/bind_precedence",
     .summary = "bound to a node, at the group's limit: the group's OOM",
     .claim = "Seed 1: --membind; Documentation/admin-guide/sysctl/vm: "
              "panic_on_oom=1 does not panic where a cgroup, a cpuset or a "
              "policy limits",
     .deed = "with panic_on_oom=1, a child bound to node 1 writes more than "
             "the box may have",
     .functions =
         "constrained_alloc, check_panic_on_oom, mem_cgroup_out_of_memory",
     .look_at = "another constraint says that the policy was asked first",
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB,
               .no_swap = true,
               .nodes = 2,
               .cgroup = 2,
               .kernel_log = true,
               .alone = true},
     .params = {{"bind", {"process", "mapping"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
