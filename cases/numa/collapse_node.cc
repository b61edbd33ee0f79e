// SPDX-License-Identifier: Apache-2.0
// khugepaged makes a huge page on the node that has most of its pages, whatever
// it collapsed before.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kInHuge = kHugePage / kPage;

// How many pages of a region are on each node, in the order of collapsing.
struct Region {
  const char* name;
  int node0, node1;
  int goes_to;
};
constexpr Region kRegions[] = {{"collapse what is on node 0", 512, 0, 0},
                               {"collapse what is on node 1", 0, 400, 1},
                               {"collapse a mix, most on node 1", 200, 312, 1},
                               {"collapse a few, most on node 0", 60, 40, 0}};

Bytes Huge(const Placing& s) { return ReadMapping(s.range).anon_huge; }

void Collapse(Placing& s, const Region& region) {
  RunOnCpu(s.trace, 0);
  kKhugepagedKnobs.Set(s.trace, "max_ptes_none", 511);
  kKhugepagedKnobs.Set(s.trace, "pages_to_scan", 65536);
  kKhugepagedKnobs.Set(s.trace, "alloc_sleep_millisecs", 0);
  kKhugepagedKnobs.Set(s.trace, "scan_sleep_millisecs", 1);
  s.Renew(MapAnonymous(s.trace, kHugePage, {.align = 1_GiB}));
  const Bytes first = region.node0 * kPage;
  SetPolicy(MPOL_BIND, kNode0);
  WritePages(s.trace, s.range.Part(0_B, first));
  SetPolicy(MPOL_BIND, kNode1);
  WritePages(s.trace, s.range.Part(first, region.node1 * kPage));
  SetPolicy(MPOL_DEFAULT, 0);
  Advise(s.trace, s.range, MADV_HUGEPAGE);
  HoldsWithin(10000, [&] { return Huge(s) > 0_B; });
}

Steps<Placing> Make(const Params&, const Facts&) {
  Steps<Placing> steps;
  for (const Region& region : kRegions) {
    const std::int64_t on_node1 = region.goes_to * kInHuge;
    steps.push_back({region.name,
                     [region](Placing& s) { Collapse(s, region); },
                     {Touches(region.node0 + region.node1),
                      {"huge", Huge, kHugePage},
                      ByNode(kInHuge - on_node1, on_node1)}});
  }
  return steps;
}

Needs WithThp() {
  Needs needs = TwoNodes();
  needs.settings = {kThpKnobs.With("enabled", "madvise"),
                    kThpKnobs.With("defrag", "madvise")};
  return needs;
}

const Register kCollapseNode{
    {.id = "numa/collapse_node",
     .summary = "a huge page is made on the node that most pages are on",
     .claim = "Seed 1 (NUMA, khugepaged); admin-guide/mm/transhuge",
     .functions = "hpage_collapse_scan_pmd, hpage_collapse_find_target_node",
     .needs = WithThp(),
     .steps = Make,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::numa
