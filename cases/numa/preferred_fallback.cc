// SPDX-License-Identifier: Apache-2.0
// A preferred node that is full is no end: pages come from the other one, and
// nobody is killed.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kBeyond = 24_MiB;

Steps<Placing> Make(const Params&, const Facts&) {
  return {
      {"prefer node 1, write more than it has",
       [](Placing& s) {
         RunOnCpu(s.trace, 1);
         const Bytes size = NodeMeminfo(1, "MemFree") + kBeyond;
         return s.WriteBound(
             MapAnonymous(s.trace, size),
             s.p["nodes"] == "many" ? kPreferredMany : MPOL_PREFERRED, kNode1);
       },
       {Change("kills", Event("oom_kill"), 0),
        // Node 1 keeps its reserves; what is reclaimed there is little.
        {"on node 0",
         [](Placing& s) { return PagesOnNode(s.range, 0) * kPage; },
         Between(kBeyond - 8_MiB, kBeyond + 16_MiB)},
        {"missing",
         [](Placing& s) {
           return s.range.size / kPage - PagesOnNode(s.range, 0) -
                  PagesOnNode(s.range, 1);
         },
         0}}},
  };
}

std::string Probe(const Params& p, const Facts& f) {
  const bool has = p["nodes"] == "one" || f.kernel >= KernelVersion{5, 15};
  return has ? "" : "MPOL_PREFERRED_MANY came with 5.15";  // b27abaccf8e8
}

const Register kPreferredFallback{
    {.id = "numa/preferred_fallback",
     .summary = "a full preferred node spills over, and kills nobody",
     .claim = "Seed 1: numactl --preferred, as against --membind",
     .functions =
         "policy_node, alloc_pages_preferred_many, get_page_from_freelist",
     .needs = TwoNodes(),
     .params = {{"nodes", {"one", "many"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
