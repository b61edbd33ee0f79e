// SPDX-License-Identifier: Apache-2.0
// A process bound to a full node swaps, while the other node is free: nobody is
// killed, and no page goes to the other node.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kBeyond = 24_MiB;

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 1);
  const Bytes size = NodeMeminfo(1, "MemFree") + kBeyond;
  const Range range = MapAnonymous(trace, size);
  trace.Set("errno", BindRange(range, MPOL_BIND, kNode1));
  const std::int64_t kills = Vmstat("oom_kill");
  const std::int64_t swapped = Vmstat("pswpout");
  WritePages(trace, range);
  const MappingUsage usage = ReadMapping(range);
  trace.Set("kills", Vmstat("oom_kill") - kills);
  trace.Set("pswpout", Vmstat("pswpout") - swapped);
  trace.Set("swap", usage.swap);
  trace.Set("missing", size - usage.swap - usage.rss);
  trace.Set("on_node0", PagesOnNode(range, 0));
  trace.Set("node0_free", NodeMeminfo(0, "MemFree"));
  Unmap(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("errno", Eq(0)), Count("kills", Eq(0)),
               // The node keeps its reserves, gives up caches, and swaps in
               // batches.
               Size("swap", Between(kBeyond / 2, kBeyond + 24_MiB)),
               Count("pswpout", Ge(kBeyond / 2 / kPage)),
               Size("missing", Eq(0_B)), Count("on_node0", Eq(0)),
               Size("node0_free", Ge(100_MiB)));
}

Needs Shape() {
  Needs needs = TwoNodes();
  needs.swap = 64_MiB;
  return needs;
}

const Register kBindSwap{
    {.id = "numa/bind_swap",
     .summary = "bound to a full node: swaps, though the other node is free",
     .explains = {.claim = "Seed 1: \"NUMA and swap\": a node under pressure "
                           "swaps while others have room",
                  .deed = "bound to node 1, writes 24 MiB more than it has",
                  .functions = "shrink_node, mpol_bind nodemask",
                  .look_at = "on_node0: pages that broke the binding"},
     .needs = Shape(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
