// SPDX-License-Identifier: Apache-2.0
// MADV_COLLAPSE (6.1) makes a huge page out of small ones, whatever khugepaged
// is allowed; what holds no page of its own it refuses.
#include <cerrno>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kCollapse = 25;  // MADV_COLLAPSE
// How far a difference of RssAnon may be off: what a thread (up to 6.1) or each
// CPU has not added yet.
Bytes HeldBack(const Facts& f) { return 64 * (1 + f.cpus) * kPage; }

// One region of 2 MiB: how many of its pages are read before and how many are
// written, and what becomes of it.
struct Region {
  const char* name;
  int read;
  int written;
  int advice;
  bool collapses;
  bool shared = false;  // with a child, all pages but one
};
constexpr Region kRegions[] = {
    {"untouched", 0, 0, MADV_HUGEPAGE, false},
    {"read", 512, 0, MADV_HUGEPAGE, false},
    {"read_written", 512, 1, MADV_HUGEPAGE, true},
    {"written_one", 0, 1, MADV_HUGEPAGE, true},
    {"written_half", 0, 256, MADV_HUGEPAGE, true},
    {"written", 0, 512, MADV_HUGEPAGE, true},
    {"unasked", 0, 512, MADV_NORMAL, true},
    {"refused", 0, 512, MADV_NOHUGEPAGE, false},
    {"shared", 0, 512, MADV_HUGEPAGE, true, true},
};

const char* Name(const Region& region, const char* value) {
  static char name[48];
  std::snprintf(name, sizeof name, "%s_%s", region.name, value);
  return name;
}

void Collapse(Trace& trace, const Region& region) {
  MapOptions options;  // small pages, until they are there
  options.align = 1_GiB;
  options.pages =
      region.advice == MADV_NORMAL ? MapOptions::kDefault : MapOptions::kSmall;
  const Range range = MapAnonymous(trace, kHugePage, options);
  const Range written = range.Part(0_B, region.written * kPage);
  CountOther(range.Part(0_B, region.read * kPage), 0);
  WritePages(trace, written);
  if (region.advice == MADV_HUGEPAGE) TryAdvise(range, MADV_HUGEPAGE);
  const pid_t child =
      region.shared ? StartChild(trace, [] { WaitForever(); }) : 0;
  // One page is its own again: where none may be written, nothing is done.
  if (region.shared) WritePages(trace, range.Part(0_B, kPage));
  const Bytes page_tables = ReadUsage().page_tables;
  const Bytes anon = StatusField("RssAnon");
  trace.Set(Name(region, "errno"), TryAdvise(range, kCollapse));
  trace.Set(Name(region, "anon"), StatusField("RssAnon") - anon);
  trace.Set(Name(region, "tables"), ReadUsage().page_tables - page_tables);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set(Name(region, "rss"), mapped.rss);
  trace.Set(Name(region, "huge"), mapped.anon_huge);
  trace.Set(
      Name(region, "bytes"),
      CountOther(written, 1) +
          CountOther(range.Part(written.size, kHugePage - written.size), 0));
  if (region.shared) EndChild(child);
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  // The huge zero page is there before anything is counted.
  const Range read = MapHuge(trace, kHugePage);
  ReadPages(trace, read);
  Unmap(trace, read);
  const std::int64_t allocated = Vmstat("thp_collapse_alloc");
  const std::int64_t failed = Vmstat("thp_collapse_alloc_failed");
  HugeEvents events;
  for (const Region& region : kRegions) Collapse(trace, region);
  events.Leave(trace, "collapse");
  trace.Set("allocated", Vmstat("thp_collapse_alloc") - allocated);
  trace.Set("failed", Vmstat("thp_collapse_alloc_failed") - failed);

  // Less than a huge page is nothing to do; a hole and an odd start are wrong.
  const Range range = MapHuge(trace, 2 * kHugePage);
  WritePages(trace, range, kHugePage);
  const Bytes half = kHugePage / 2;
  trace.Set("part_errno", TryAdvise(range.Part(half, half), kCollapse));
  trace.Set("odd_errno", TryAdvise(range.Part(1_B, kHugePage), kCollapse));
  trace.Set("huge_errno", TryAdvise(range, kCollapse));
  trace.Set("still_huge", ReadMapping(range).anon_huge);
  Unmap(trace, range);
}

Oracle Of(const Region& region, const Facts& f) {
  const bool collapses = region.collapses && f.kernel >= KernelVersion{6, 1};
  const auto value = [&](const char* what, Bytes size) {
    return Size(Name(region, what), Eq(size));
  };
  // What was not there, or the zero page, becomes anonymous memory.
  const Bytes more = collapses ? kHugePage - region.written * kPage : 0_B;
  return AllOf(Count(Name(region, "errno"), Eq(collapses ? 0 : EINVAL)),
               Size(Name(region, "anon"),
                    Between(more - HeldBack(f), more + HeldBack(f))),
               value("rss", collapses ? kHugePage : region.written * kPage),
               value("huge", collapses ? kHugePage : 0_B), value("tables", 0_B),
               value("bytes", 0_B));
}

Oracle Expect(const Params&, const Facts& f) {
  // 7d8faaf15545 (6.1): the advice.
  const bool known = f.kernel >= KernelVersion{6, 1};
  Oracle regions = Survives();
  int collapsing = 0;
  for (const Region& region : kRegions) {
    regions = AllOf(regions, Of(region, f));
    collapsing += known && region.collapses ? 1 : 0;
  }
  return AllOf(regions, Happened{}.In("collapse"),
               Count("allocated", Eq(collapsing)), Count("failed", Eq(0)),
               Count("part_errno", Eq(known ? 0 : EINVAL)),
               Count("odd_errno", Eq(EINVAL)),
               Count("huge_errno", Eq(known ? 0 : EINVAL)),
               Size("still_huge", Eq(2 * kHugePage)));
}

const Register kMadvCollapse{
    {.id = "thp/madv_collapse",
     .summary = "MADV_COLLAPSE (6.1) makes 2 MiB out of one written page",
     .explains =
         {.claim = "Seed 1: the list of madvise; madvise(2), MADV_COLLAPSE: "
                   "\"ignores any sysfs setting\"",
          .deed = "asks to collapse regions that are untouched, read, written "
                  "in part and in whole, shared with a child",
          .functions = "madvise_collapse, hpage_collapse_scan_pmd, "
                       "collapse_huge_page",
          .look_at = "<region>_errno and <region>_rss; <region>_anon is what "
                     "RssAnon grew by; max_ptes_none is 0 in this guest and "
                     "must not matter"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "written_one_rss",
                  .better = Better::kLower,
                  .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
