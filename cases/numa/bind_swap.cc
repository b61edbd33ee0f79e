// SPDX-License-Identifier: Apache-2.0
// A process bound to a full node swaps, while the other node is free: nobody is
// killed, and no page goes to the other node.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kBeyond = 24_MiB;

Steps<Placing> Make(const Params&, const Facts&) {
  return {
      {"bound to node 1, write more than it has",
       [](Placing& s) {
         RunOnCpu(s.trace, 1);
         const Bytes size = NodeMeminfo(1, "MemFree") + kBeyond;
         return s.WriteBound(MapAnonymous(s.trace, size), MPOL_BIND, kNode1);
       },
       // The node keeps its reserves, gives up caches, and swaps in batches.
       {{"swap", [](Placing& s) { return ReadMapping(s.range).swap; },
         Between(kBeyond / 2, kBeyond + 24_MiB)},
        {"missing",
         [](Placing& s) {
           const MappingUsage usage = ReadMapping(s.range);
           return s.range.size - usage.swap - usage.rss;
         },
         0_B},
        Change("kills", Event("oom_kill"), 0),
        Change("pswpout", Event("pswpout"), Ge(kBeyond / 2 / kPage)),
        ByNode(0, Gt(0)),
        {"node0 free", [] { return NodeMeminfo(0, "MemFree"); }, Ge(100_MiB)}}},
  };
}

Needs Shape() {
  Needs needs = TwoNodes();
  needs.swap = 64_MiB;
  return needs;
}

const Register kBindSwap{
    {.id = "numa/bind_swap",
     .summary = "bound to a full node: swaps, though the other node is free",
     .claim = "Seed 1: \"NUMA and swap\": a node under pressure swaps while "
              "others have room",
     .functions = "shrink_node, mpol_bind nodemask",
     .look_at = "node0: pages that broke the binding",
     .needs = Shape(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
