// SPDX-License-Identifier: Apache-2.0
// khugepaged makes a huge page on the node that has most of its pages, whatever
// it collapsed before.
#include <poll.h>

#include <cstdio>
#include <string>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr const char* kThp = "/sys/kernel/mm/transparent_hugepage/";
constexpr int kPatience = 400;  // looks
constexpr int kLook = 25;       // milliseconds
constexpr std::int64_t kInHuge = kHugePage / kPage;

// How many pages of a region are on each node, in the order of collapsing.
struct Region {
  const char* name;
  int node0, node1;
  int goes_to;
};
constexpr Region kRegions[] = {{"first", 512, 0, 0},
                               {"other", 0, 400, 1},
                               {"most", 200, 312, 1},
                               {"few", 60, 40, 0}};

void Set(Trace& trace, const char* file, const char* value) {
  char path[96];
  std::snprintf(path, sizeof path, "%s%s", kThp, file);
  WriteKnob(trace, path, value);
}

void Place(Trace& trace, const Region& region) {
  MapOptions options;
  options.align = 1_GiB;
  const Range range = MapAnonymous(trace, kHugePage, options);
  const Bytes first = region.node0 * kPage;
  SetPolicy(MPOL_BIND, kNode0);
  WritePages(trace, range.Part(0_B, first));
  SetPolicy(MPOL_BIND, kNode1);
  WritePages(trace, range.Part(first, region.node1 * kPage));
  SetPolicy(MPOL_DEFAULT, 0);
  TryAdvise(range, MADV_HUGEPAGE);
  for (int i = 0; i < kPatience && ReadMapping(range).anon_huge == 0_B; ++i) {
    poll(nullptr, 0, kLook);
  }
  char name[48];
  std::snprintf(name, sizeof name, "%s.huge", region.name);
  trace.Set(name, ReadMapping(range).anon_huge);
  for (int node = 0; node < 2; ++node) {
    std::snprintf(name, sizeof name, "%s.node%d", region.name, node);
    trace.Set(name, PagesOnNode(range, node));
  }
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 0);
  Set(trace, "khugepaged/max_ptes_none", "511");
  Set(trace, "khugepaged/pages_to_scan", "65536");
  Set(trace, "khugepaged/alloc_sleep_millisecs", "0");
  Set(trace, "khugepaged/scan_sleep_millisecs", "1");
  for (const Region& region : kRegions) Place(trace, region);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle all = Survives();
  for (const Region& region : kRegions) {
    const std::string name = region.name;
    all = AllOf(all,
                Count(name + ".node0", Eq(region.goes_to == 0 ? kInHuge : 0)),
                Count(name + ".node1", Eq(region.goes_to == 1 ? kInHuge : 0)));
  }
  return all;
}

const Register kCollapseNode{
    {.id = "numa/collapse_node",
     .summary = "a huge page is made on the node that most pages are on",
     .explains = {.claim =
                      "Seed 1 (NUMA, khugepaged); admin-guide/mm/transhuge",
                  .deed =
                      "writes regions with more pages on one node than on the "
                      "other, one after the other, and waits for khugepaged",
                  .functions = "hpage_collapse_scan_pmd, "
                               "hpage_collapse_find_target_node",
                  .look_at = "<region>.node0 and .node1 are its pages by node"},
     .needs = TwoNodes(),
     .adjust =
         [](const Params&, InstanceInfo& instance) {
           const std::string thp = kThp;
           instance.needs.settings = {{thp + "enabled", "madvise"},
                                      {thp + "defrag", "madvise"}};
         },
     .subject = Subject,
     .expect = Expect,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::numa
