// SPDX-License-Identifier: Apache-2.0
// In mode 0 one mapping may be as large as RAM and swap together, to the page;
// what is free, or who asks, does not matter.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["touched"] == "half") {
    WritePages(trace, MapAnonymous(trace, f.available / 2));
  }
  trace.Set("largest", LargestMap(PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, 1_TiB + f.ram));
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), Size("largest", Eq(f.ram + f.swap)));
}

void Adjust(const Params& p, Needs& needs) {
  // Half of what is available must not hurt anybody else.
  if (p["touched"] == "half") needs.alone = true;
}

std::string Probe(const Params&, const Facts& f) {
  // 8c7829b04c52 (5.2) replaced a guess at free memory by one comparison.
  return f.kernel < KernelVersion{5, 2}
             ? "needs the heuristic of 5.2, has " +
                   std::to_string(f.kernel.major) + "." +
                   std::to_string(f.kernel.minor)
             : "";
}

const Register kHeuristicBoundary{
    {.id = "overcommit/heuristic_boundary",
     .summary = "mode 0 refuses one mapping larger than RAM + swap, exactly",
     .explains =
         "Claim: the heuristic as free + cached + swap … holds up to 5.1 only. "
         "Kernel: __vm_enough_memory, OVERCOMMIT_GUESS: pages > totalram_pages "
         "+ total_swap_pages. Documentation/mm/overcommit-accounting.",
     .needs = {.settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .adjust = Adjust,
     .params = {{"touched", {"none", "half"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "largest", .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
