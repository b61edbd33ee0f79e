// SPDX-License-Identifier: Apache-2.0
// panic_on_oom=2: even a full cgroup panics the machine.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

void Subject(Trace& trace, const Params&, const Facts&) {
  WriteKnob(trace, "/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  mkdir("/sys/fs/cgroup/full", 0755);
  WriteKnob(trace, "/sys/fs/cgroup/full/memory.max", "16777216");
  WriteKnob(trace, "/sys/fs/cgroup/full/cgroup.procs", "0");
  WritePages(trace, MapAnonymous(trace, 32_MiB));
}

const Register kPanicOnOomCompulsory{
    {.id = "oom/panic_on_oom_compulsory",
     .summary = "panic_on_oom=2: the machine panics where a cgroup is full",
     .claim = "Seed 1 (OOM); admin-guide/sysctl/vm.rst",
     .deed = "writes more than its cgroup may have",
     .functions = "check_panic_on_oom, mem_cgroup_out_of_memory",
     .look_at = "the end of the console",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB,
               .no_swap = true,
               .settings = {{"/proc/sys/vm/panic_on_oom", "2"}}},
     .subject = Subject,
     .panics = "Out of memory: compulsory panic_on_oom is enabled"}};

}  // namespace
}  // namespace oomgate::oom
