// SPDX-License-Identifier: Apache-2.0
// khugepaged collapses a region where no more of its pages are missing than
// max_ptes_none, zero pages included, and no more are shared than
// max_ptes_shared: to the page.
#include <array>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;  // of a region
constexpr int kDefaultShared = 256;

struct Region {
  const char* name;
  int written;
  int read;    // behind the written ones
  int shared;  // of the written ones, with a child
  int advice;
  bool collapses;
};
using Regions = std::array<Region, 8>;

Regions RegionsOf(int none) {
  constexpr int kHuge = MADV_HUGEPAGE;
  const int least = kPages - none;
  // Where one page is enough, too few is none: those are read only.
  const int rest = least == 1 ? kPages : none + 1;
  return {{
      {"enough", least, 0, 0, kHuge, true},
      {"too few", least - 1, least == 1 ? kPages : 0, 0, kHuge, false},
      {"enough, zero pages", least, none, 0, kHuge, true},
      {"too few, zero pages", least - 1, rest, 0, kHuge, false},
      {"not asked", kPages, 0, 0, MADV_NORMAL, false},
      {"not wanted", kPages, 0, 0, MADV_NOHUGEPAGE, false},
      {"shared", kPages, 0, kDefaultShared, kHuge, true},
      {"too much shared", kPages, 0, kDefaultShared + 1, kHuge, false},
  }};
}

int Collapsing(const Regions& regions) {
  return static_cast<int>(std::count_if(regions.begin(), regions.end(),
                                        [](auto& r) { return r.collapses; }));
}

void LookAndScan(Scene& s) {
  s.Set("max_ptes_none", kKhugepagedKnobs.Number("max_ptes_none"));
  s.Set("max_ptes_shared", kKhugepagedKnobs.Number("max_ptes_shared"));
  ScanWithoutPause(s.trace);
}

void Collapse(Scene& s, int none) {
  const Regions regions = RegionsOf(none);
  std::array<Range, std::tuple_size_v<Regions>> ranges;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Region& region = regions[i];
    MapOptions options;
    if (region.advice == MADV_NORMAL) options.pages = MapOptions::kDefault;
    ranges[i] = MapAnonymous(s.trace, kHugePage, options);
    WritePages(s.trace, ranges[i].Part(0_B, region.written * kPage));
    CountOther(ranges[i].Part(region.written * kPage, region.read * kPage), 0);
  }
  // A child shares what is not written again after it was forked.
  Gate done(s.trace);
  const pid_t child = StartChild(s.trace, [&] { done.Pass(); });
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const int own = regions[i].written - regions[i].shared;
    WritePages(s.trace, ranges[i].Part(0_B, own * kPage));
  }
  kKhugepagedKnobs.Set(s.trace, "max_ptes_none", none);
  const std::int64_t before = kKhugepagedKnobs.Number("pages_collapsed");
  const auto collapsed = [=] {
    return kKhugepagedKnobs.Number("pages_collapsed") - before;
  };
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (regions[i].advice == MADV_HUGEPAGE) TryAdvise(ranges[i], MADV_HUGEPAGE);
  }
  // What is to collapse, and time for what is not to.
  HoldsWithin(10000, [&] { return collapsed() >= Collapsing(regions); });
  AwaitScans(kKhugepagedKnobs, 3);
  std::int64_t other = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const MappingUsage usage = ReadMapping(ranges[i]);
    s.Set(regions[i].name, usage.anon_huge == kHugePage ? 1 : 0);
    const Bytes size = regions[i].written * kPage;
    other += CountOther(ranges[i].Part(0_B, size), 1);
    other += CountOther(ranges[i].Part(size, kHugePage - size), 0);
    if (i == 0) s.Set("rss", ReadMapping(ranges[i]).rss);
  }
  s.Set("other", other);
  s.Set("collapsed", collapsed());
  done.Open();
  Reap(child);
  for (const Range& range : ranges) Unmap(s.trace, range);
}

Steps<Scene> Make(const Params&, const Facts&) {
  Steps<Scene> steps = {{"scan without a pause", LookAndScan,
                         Count("max_ptes_none", kPages - 1),
                         Count("max_ptes_shared", kDefaultShared)}};
  for (const int none : {0, 63, 255, 510, 511}) {
    const Regions regions = RegionsOf(none);
    Rows<Scene> rows = {Count("other", 0),
                        Count("collapsed", Collapsing(regions)),
                        Size("rss", kHugePage)};
    for (const Region& region : regions) {
      rows.push_back(Count(region.name, region.collapses ? 1 : 0));
    }
    steps.push_back({"collapse with " + std::to_string(none),
                     [=](Scene& s) { Collapse(s, none); }, rows});
  }
  return steps;
}

const Register kKhugepagedMaxPtesNone{
    {.id = "thp/khugepaged_max_ptes_none",
     .summary = "khugepaged collapses up to max_ptes_none missing pages, to "
                "the page",
     .claim = "Seed 1: \"khugepaged\" turns sparse memory into 2 MiB; "
              "admin-guide/mm/transhuge, max_ptes_none",
     .functions =
         "khugepaged_scan_mm_slot, hpage_collapse_scan_pmd, collapse_huge_page",
     .look_at = "a region is 1 where it collapsed; rss is what the written "
                "pages of the first one became",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {kThpKnobs.With("defrag", "madvise"),
                            kThpKnobs.With("enabled", "madvise"),
                            kThpKnobs.With("use_zero_page", "1")}},
     .steps = Make,
     .metrics = {Metric::Size("rss_511", "collapse with 511.rss")},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
