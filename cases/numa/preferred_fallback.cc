// SPDX-License-Identifier: Apache-2.0
// A preferred node that is full is no end: pages come from the other one, and
// nobody is killed.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kBeyond = 24_MiB;

void Subject(Trace& trace, const Params& p, const Facts&) {
  RunOnCpu(trace, 1);
  const Bytes size = NodeMeminfo(1, "MemFree") + kBeyond;
  const Range range = MapAnonymous(trace, size);
  trace.Set(
      "errno",
      BindRange(range, p["nodes"] == "many" ? kPreferredMany : MPOL_PREFERRED,
                kNode1));
  const std::int64_t kills = Vmstat("oom_kill");
  WritePages(trace, range);
  trace.Set("kills", Vmstat("oom_kill") - kills);
  const std::int64_t node0 = PagesOnNode(range, 0);
  const std::int64_t node1 = PagesOnNode(range, 1);
  trace.Set("node0", node0 * kPage);
  trace.Set("missing", size / kPage - node0 - node1);
  Unmap(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  // Node 1 keeps its reserves; what is reclaimed there is little.
  return AllOf(Survives(), Count("errno", Eq(0)), Count("kills", Eq(0)),
               Count("missing", Eq(0)),
               Size("node0", Between(kBeyond - 8_MiB, kBeyond + 16_MiB)));
}

std::string Probe(const Params& p, const Facts& f) {
  const bool has = p["nodes"] == "one" || f.kernel >= KernelVersion{5, 15};
  return has ? "" : "MPOL_PREFERRED_MANY came with 5.15";  // b27abaccf8e8
}

const Register kPreferredFallback{
    {.id = "numa/preferred_fallback",
     .summary = "a full preferred node spills over, and kills nobody",
     .explains = {.claim = "Seed 1: numactl --preferred, as against --membind",
                  .deed = "prefers node 1 and writes 24 MiB more than it has",
                  .functions = "policy_node, alloc_pages_preferred_many, "
                               "get_page_from_freelist",
                  .look_at = "node0 is what spilled over"},
     .needs = TwoNodes(),
     .params = {{"nodes", {"one", "many"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
