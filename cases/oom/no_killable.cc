// SPDX-License-Identifier: Apache-2.0
// Out of memory with nobody to kill: the kernel panics rather than hang.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  // The judge too: it and this are all that the machine has beside PID 1.
  SetAdj(trace, getppid(), -1000);
  SetAdj(trace, 0, -1000);
  WritePages(trace, MapAnonymous(trace, 2 * f.ram));
}

const Register kNoKillable{
    {.id = "oom/no_killable",
     .summary = "nobody may be killed: the kernel panics",
     .claim = "Seed 1 (OOM): oom_score_adj -1000 exempts",
     .deed = "exempts all processes and writes more than the machine has",
     .functions = "out_of_memory, oom_badness",
     .look_at = "somebody was killed: OOM_SCORE_ADJ_MIN does not exempt; a "
                "hang: the kernel does not give up",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true},
     .subject = Subject,
     .panics = "System is deadlocked on memory"}};

}  // namespace
}  // namespace oomgate::oom
