// SPDX-License-Identifier: Apache-2.0
// Where pages come from under each policy, page by page: on the CPU's own node,
// on the preferred one, in turns, in turns by weight.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 1000;
constexpr std::int64_t kHuge = 8;
constexpr KernelFolder kWeights("/sys/kernel/mm/mempolicy/weighted_interleave");

Range NewPages(const Placing& s) {
  return MapAnonymous(s.trace, kPages * kPage);
}

auto OnCpu(int cpu) {
  return [=](Placing& s) {
    RunOnCpu(s.trace, cpu);
    WritePages(s.trace, s.Renew(NewPages(s)));
  };
}
auto Bound(int mode, unsigned long nodes) {
  return [=](Placing& s) { return s.WriteBound(NewPages(s), mode, nodes); };
}
auto Under(int mode, unsigned long nodes) {
  return [=](Placing& s) { return s.WriteUnder(NewPages(s), mode, nodes); };
}
auto Weighted(int weight0) {
  return [=](Placing& s) {
    if (kWeights.Has("node0")) {
      kWeights.Set(s.trace, "node0", weight0);
      kWeights.Set(s.trace, "node1", 1);
    }
    return s.WriteBound(NewPages(s), kWeightedInterleave, kBoth);
  };
}

Row<Placing> Written(testing::Matcher<std::int64_t> node0,
                     testing::Matcher<std::int64_t> node1) {
  return Rows<Placing>{Touches(kPages), ByNode(node0, node1)};
}

Steps<Placing> Make(const Params&, const Facts& f) {
  constexpr std::int64_t kHalf = kPages / 2;
  constexpr std::int64_t kHalfHuge = kHuge / 2 * (kHugePage / kPage);
  // Page tables take turns too: whose turn it is may be off by those.
  const auto half = Between(kHalf - 4, kHalf + 4);
  const bool many = f.kernel >= KernelVersion{5, 15};     // b27abaccf8e8
  const bool weighted = f.kernel >= KernelVersion{6, 9};  // fa3bea4e1f82
  const Row<Placing> unknown = Refused(EINVAL);
  return {
      {"write on CPU 1", OnCpu(1), {Written(0, kPages)}},
      {"write on CPU 0", OnCpu(0), {Written(kPages, 0)}},
      {"write in turns",
       Bound(MPOL_INTERLEAVE, kBoth),
       {Written(kHalf, kHalf)}},
      {"write in turns, by the process's policy",
       Under(MPOL_INTERLEAVE, kBoth),
       {Written(half, half)}},
      {"write, node 1 preferred",
       Bound(MPOL_PREFERRED, kNode1),
       {Written(0, kPages)}},
      {"write, node 1 preferred among many",
       Bound(kPreferredMany, kNode1),
       {many ? Written(0, kPages) : unknown}},
      {"write, bound to node 1",
       Bound(MPOL_BIND, kNode1),
       {Written(0, kPages)}},
      {"write, the process bound to node 1",
       Under(MPOL_BIND, kNode1),
       {Written(0, kPages)}},
      {"write in turns of 3 to 1",
       Weighted(3),
       {weighted ? Written(kPages * 3 / 4, kPages / 4) : unknown}},
      StepOf<Placing>("write in turns of 1 to 1", Weighted(1),
                      {Written(kHalf, kHalf)})
          .LeftOut(weighted ? "" : "weights came with 6.9 (fa3bea4e1f82)"),
      {"write huge pages in turns",
       [](Placing& s) {
         kThpKnobs.Set(s.trace, "enabled", "madvise");
         return s.WriteBound(MapAnonymous(s.trace, kHuge * kHugePage,
                                          {.pages = MapOptions::kHuge}),
                             MPOL_INTERLEAVE, kBoth, kHugePage);
       },
       {{"rss", [](Placing& s) { return ReadMapping(s.range).rss; },
         kHuge * kHugePage},
        ByNode(kHalfHuge, kHalfHuge)}},
      // The page of zeroes is nobody's.
      {"read in turns what was never written",
       [](Placing& s) {
         const int error =
             BindRange(s.Renew(NewPages(s)), MPOL_INTERLEAVE, kBoth);
         ReadPages(s.trace, s.range);
         return error;
       },
       {Touches(kPages), ByNode(0, 0)}},
  };
}

const Register kPlacement{
    {.id = "numa/placement",
     .summary = "which node pages come from, under each policy, to the page",
     .claim = "Seed 1: \"numactl --membind, --interleave\": interleave_exact, "
              "weighted_interleave, local_default, preferred_fallback (with "
              "room); numa(7), set_mempolicy(2)",
     .functions = "policy_nodemask, interleave_nid, weighted_interleave_nid, "
                  "mempolicy_slab_node",
     .needs = TwoNodes(),
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
