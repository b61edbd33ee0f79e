// SPDX-License-Identifier: Apache-2.0
// panic_on_oom=1: a machine that is out of memory panics, and says why. (That a
// full cgroup or node does not: oom/memcg_adj_threshold, numa/membind_oom.)
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  WritePages(trace, MapAnonymous(trace, 2 * f.ram));
}

const Register kPanicOnOom{
    {.id = "oom/panic_on_oom",
     .summary = "panic_on_oom=1: the machine panics where it is full",
     .claim = "Seed 1 (OOM); admin-guide/sysctl/vm.rst",
     .deed = "writes more than the machine has",
     .functions = "check_panic_on_oom",
     .look_at = "the end of the console",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB,
               .no_swap = true,
               .settings = {{"/proc/sys/vm/panic_on_oom", "1"}}},
     .subject = Subject,
     .panics = "Out of memory: system-wide panic_on_oom is enabled"}};

}  // namespace
}  // namespace oomgate::oom
