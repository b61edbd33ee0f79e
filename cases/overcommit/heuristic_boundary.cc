// SPDX-License-Identifier: Apache-2.0
// In mode 0 one mapping may be as large as RAM and swap together, to the page;
// what is free, kept as huge pages, or who asks, does not matter.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["touched"] == "half") {
    WritePages(trace, MapAnonymous(trace, f.available / 2));
  }
  trace.Set("again_errno", TryMap(f.available, kRw, kPrivate));
  DropCapability(trace, CAP_SYS_ADMIN);
  trace.Set("largest", LargestMap(kRw, kPrivate, 1_TiB + f.ram));
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), Size("largest", f.ram + f.swap),
               Count("again_errno", 0));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["touched"] == "half") {
    // Half of what is available must not hurt anybody else.
    instance.needs.alone = true;
    instance.needs.settings.push_back(kVmKnobs.With("nr_hugepages", "8"));
  }
  instance.needs.swap = p.Size("swap");
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
     .claim = "overcommit.heuristic.boundary, .touched_then_map; seed 2: the "
              "heuristic as free + cached + swap … holds up to 5.1 only; "
              "Documentation/mm/overcommit-accounting",
     .deed = "bisects the largest private writable mapping, with and without "
             "memory in use and in huge pages",
     .functions = "__vm_enough_memory, OVERCOMMIT_GUESS: pages > "
                  "totalram_pages + total_swap_pages",
     .look_at = "a limit that moves with what is touched is the old heuristic",
     .needs = {.settings = {kVmKnobs.With(kMode, "0")}},
     .adjust = Adjust,
     .params = {{"touched", {"none", "half"}}, {"swap", {"0", "64m"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("largest").EitherWay()}}};

}  // namespace
}  // namespace oomgate
