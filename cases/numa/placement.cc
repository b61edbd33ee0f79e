// SPDX-License-Identifier: Apache-2.0
// Where pages come from under each policy, page by page: on the CPU's own node,
// on the preferred one, in turns, in turns by weight.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 1000;
constexpr std::int64_t kHuge = 8;
constexpr std::int64_t kInHuge = kHugePage / kPage;
constexpr const char* kWeight0 =
    "/sys/kernel/mm/mempolicy/weighted_interleave/node0";
constexpr const char* kWeight1 =
    "/sys/kernel/mm/mempolicy/weighted_interleave/node1";

void Measure(Trace& trace, const Range& range, const char* node0,
             const char* node1) {
  trace.Set(node0, PagesOnNode(range, 0));
  trace.Set(node1, PagesOnNode(range, 1));
}

void Local(Trace& trace) {
  RunOnCpu(trace, 1);
  const Range on1 = MapAnonymous(trace, kPages * kPage);
  WritePages(trace, on1);
  Measure(trace, on1, "cpu1.node0", "cpu1.node1");
  RunOnCpu(trace, 0);
  const Range on0 = MapAnonymous(trace, kPages * kPage);
  WritePages(trace, on0);
  Measure(trace, on0, "cpu0.node0", "cpu0.node1");
  Unmap(trace, on0);
  Unmap(trace, on1);
}

void Mapping(Trace& trace, int mode, unsigned long nodes, const char* error,
             const char* node0, const char* node1) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  trace.Set(error, BindRange(range, mode, nodes));
  WritePages(trace, range);
  Measure(trace, range, node0, node1);
  Unmap(trace, range);
}

void Process(Trace& trace, int mode, unsigned long nodes, const char* error,
             const char* node0, const char* node1) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  trace.Set(error, SetPolicy(mode, nodes));
  WritePages(trace, range);
  SetPolicy(MPOL_DEFAULT, 0);
  Measure(trace, range, node0, node1);
  Unmap(trace, range);
}

void Weighted(Trace& trace, const Facts& f) {
  if (f.kernel < KernelVersion{6, 9}) {
    const Range range = MapAnonymous(trace, kPage);
    trace.Set("weighted.errno", BindRange(range, kWeightedInterleave, kBoth));
    Unmap(trace, range);
    return;
  }
  WriteKnob(trace, kWeight0, "3");
  WriteKnob(trace, kWeight1, "1");
  Mapping(trace, kWeightedInterleave, kBoth, "weighted.errno", "weighted.node0",
          "weighted.node1");
  WriteKnob(trace, kWeight0, "1");
  Mapping(trace, kWeightedInterleave, kBoth, "even.errno", "even.node0",
          "even.node1");
}

// Huge pages take turns as small ones do.
void Huge(Trace& trace) {
  WriteKnob(trace, "/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  MapOptions options;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kHuge * kHugePage, options);
  trace.Set("huge.errno", BindRange(range, MPOL_INTERLEAVE, kBoth));
  WritePages(trace, range, kHugePage);
  trace.Set("huge.size", ReadMapping(range).rss);
  Measure(trace, range, "huge.node0", "huge.node1");
  Unmap(trace, range);
}

void Zero(Trace& trace) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  BindRange(range, MPOL_INTERLEAVE, kBoth);
  ReadPages(trace, range);
  Measure(trace, range, "zero.node0", "zero.node1");
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Local(trace);
  Mapping(trace, MPOL_INTERLEAVE, kBoth, "turns.errno", "turns.node0",
          "turns.node1");
  Process(trace, MPOL_INTERLEAVE, kBoth, "turns_all.errno", "turns_all.node0",
          "turns_all.node1");
  Mapping(trace, MPOL_PREFERRED, kNode1, "preferred.errno", "preferred.node0",
          "preferred.node1");
  Mapping(trace, kPreferredMany, kNode1, "many.errno", "many.node0",
          "many.node1");
  Mapping(trace, MPOL_BIND, kNode1, "bind.errno", "bind.node0", "bind.node1");
  Process(trace, MPOL_BIND, kNode1, "bind_all.errno", "bind_all.node0",
          "bind_all.node1");
  Weighted(trace, f);
  Huge(trace);
  Zero(trace);
}

Oracle On(const std::string& name, std::int64_t node0, std::int64_t node1) {
  return AllOf(Count(name + ".errno", Eq(0)), Count(name + ".node0", Eq(node0)),
               Count(name + ".node1", Eq(node1)));
}

Oracle Expect(const Params&, const Facts& f) {
  const bool many = f.kernel >= KernelVersion{5, 15};     // b27abaccf8e8
  const bool weighted = f.kernel >= KernelVersion{6, 9};  // fa3bea4e1f82
  return AllOf(
      Survives(), Count("cpu1.node0", Eq(0)), Count("cpu1.node1", Eq(kPages)),
      Count("cpu0.node0", Eq(kPages)), Count("cpu0.node1", Eq(0)),
      On("turns", kPages / 2, kPages / 2), Count("turns_all.errno", Eq(0)),
      // Page tables take turns too: whose turn it is may be off by those.
      Count("turns_all.node0", Between(kPages / 2 - 4, kPages / 2 + 4)),
      Count("turns_all.node1", Between(kPages / 2 - 4, kPages / 2 + 4)),
      On("preferred", 0, kPages), On("bind", 0, kPages),
      On("bind_all", 0, kPages), Size("huge.size", Eq(kHuge * kHugePage)),
      On("huge", kHuge / 2 * kInHuge, kHuge / 2 * kInHuge),
      Count("zero.node0", Eq(0)), Count("zero.node1", Eq(0)),
      many ? On("many", 0, kPages) : Count("many.errno", Eq(EINVAL)),
      weighted ? AllOf(On("weighted", kPages * 3 / 4, kPages / 4),
                       On("even", kPages / 2, kPages / 2))
               : Count("weighted.errno", Eq(EINVAL)));
}

const Register kPlacement{
    {.id = "numa/placement",
     .summary = "which node pages come from, under each policy, to the page",
     .explains =
         {.claim = "Seed 1: \"numactl --membind, --interleave\": "
                   "interleave_exact, weighted_interleave, local_default, "
                   "preferred_fallback (with room); numa(7), set_mempolicy(2)",
          .deed = "writes 1000 pages under each policy, of the mapping and of "
                  "the process, and counts them by node",
          .functions =
              "policy_nodemask, interleave_nid, weighted_interleave_nid"
              ", mempolicy_slab_node",
          .look_at = "the values are named policy.node"},
     .suite = Suite::kDefault,
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
