// SPDX-License-Identifier: Apache-2.0
// MADV_COLLAPSE (6.1) makes a huge page out of small ones, whatever khugepaged
// is allowed; what holds no page of its own it refuses.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kCollapse = 25;  // MADV_COLLAPSE

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
    {"collapse what is untouched", 0, 0, MADV_HUGEPAGE, false},
    {"collapse what was read", 512, 0, MADV_HUGEPAGE, false},
    {"collapse a written page among read ones", 512, 1, MADV_HUGEPAGE, true},
    {"collapse one written page", 0, 1, MADV_HUGEPAGE, true},
    {"collapse half of the pages", 0, 256, MADV_HUGEPAGE, true},
    {"collapse all pages", 0, 512, MADV_HUGEPAGE, true},
    {"collapse where nothing was asked for", 0, 512, MADV_NORMAL, true},
    {"collapse where it is not wanted", 0, 512, MADV_NOHUGEPAGE, false},
    {"collapse what a child shares", 0, 512, MADV_HUGEPAGE, true, true},
};

struct Memory : Scene {
  // The huge zero page is there before anything is counted.
  bool zero_page = ReadHuge();
  Range huge = {};

  bool ReadHuge() const {
    const Range range = MapHuge(trace, kHugePage);
    ReadPages(trace, range);
    Unmap(trace, range);
    return true;
  }
};

int Collapse(Memory& m, const Region& region) {
  // Small pages, until they are there.
  const Range range = MapAnonymous(
      m.trace, kHugePage,
      {.align = 1_GiB,
       .pages = region.advice == MADV_NORMAL ? MapOptions::kDefault
                                             : MapOptions::kSmall});
  const Range written = range.Part(0_B, region.written * kPage);
  const Range rest = range.Part(written.size, kHugePage - written.size);
  CountOther(range.Part(0_B, region.read * kPage), 0);
  WritePages(m.trace, written);
  if (region.advice == MADV_HUGEPAGE) TryAdvise(range, MADV_HUGEPAGE);
  const pid_t child = region.shared ? StartChild(m.trace, WaitForever) : 0;
  // One page is its own again: where none may be written, nothing is done.
  if (region.shared) WritePages(m.trace, range.Part(0_B, kPage));
  const Bytes tables = Tables();
  const Bytes anon = StatusField("RssAnon");
  const int error = TryAdvise(range, kCollapse);
  m.Set("RssAnon", StatusField("RssAnon") - anon);
  m.Set("tables", Tables() - tables);
  const MappingUsage mapped = ReadMapping(range);
  m.Set("rss", mapped.rss);
  m.Set("huge", mapped.anon_huge);
  m.Set("other", CountOther(written, 1) + CountOther(rest, 0));
  if (region.shared) EndChild(child);
  Unmap(m.trace, range);
  return error;
}

StepOf<Memory> Of(const Region& region, const Facts& f) {
  const bool collapses = region.collapses && f.kernel >= KernelVersion{6, 1};
  const Bytes written = region.written * kPage;
  // What was not there, or the zero page, becomes anonymous memory.
  const Bytes more = collapses ? kHugePage - written : 0_B;
  // What a thread (up to 6.1) or each CPU has not added yet.
  const Bytes held_back = 64 * (1 + f.cpus) * kPage;
  return {region.name,
          [=](Memory& m) { return Collapse(m, region); },
          Refused(collapses ? 0 : EINVAL),
          Size("RssAnon", Between(more - held_back, more + held_back)),
          Size("tables", 0_B),
          Size("rss", collapses ? kHugePage : written),
          Size("huge", collapses ? kHugePage : 0_B),
          Count("other", 0),
          Event("thp_collapse_alloc", collapses ? 1 : 0),
          Event("thp_collapse_alloc_failed", 0),
          Happened{}};
}

Steps<Memory> Make(const Params&, const Facts& f) {
  // 7d8faaf15545 (6.1): the advice.
  const bool known = f.kernel >= KernelVersion{6, 1};
  constexpr Bytes kHalf = kHugePage / 2;
  const auto collapse = [](Bytes from, Bytes size) {
    return [=](Memory& m) {
      return TryAdvise(m.huge.Part(from, size), kCollapse);
    };
  };
  const char* const nothing =
      known ? "what is huge has nothing to collapse: it is only not refused"
            : "";
  Steps<Memory> steps;
  for (const Region& region : kRegions) steps.push_back(Of(region, f));
  const Row<Memory> stays = Huge(&Memory::huge, 2 * kHugePage);
  steps.push_back({"write huge pages",
                   [](Memory& m) {
                     m.huge = MapHuge(m.trace, 2 * kHugePage);
                     WritePages(m.trace, m.huge, kHugePage);
                   },
                   stays});
  // Less than a huge page is nothing to do.
  steps.push_back({"collapse half of one", collapse(kHalf, kHalf),
                   Refused(known ? 0 : EINVAL), stays});
  steps.back().HoldsWithout(nothing);
  steps.push_back({"collapse from an odd start", collapse(1_B, kHugePage),
                   Refused(EINVAL), stays});
  steps.push_back({"collapse what is huge", collapse(0_B, 2 * kHugePage),
                   Refused(known ? 0 : EINVAL), stays});
  steps.back().HoldsWithout(nothing);
  return steps;
}

const Register kMadvCollapse{
    {.id = "thp/madv_collapse",
     .summary = "MADV_COLLAPSE (6.1) makes 2 MiB out of one written page",
     .claim = "Seed 1: the list of madvise; madvise(2), MADV_COLLAPSE: "
              "\"ignores any sysfs setting\"",
     .functions =
         "madvise_collapse, hpage_collapse_scan_pmd, collapse_huge_page",
     .look_at = "RssAnon is what it grew by; max_ptes_none is 0 in this guest "
                "and must not matter",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {
         Metric::Size("written_one_rss", "collapse one written page.rss")}}};

}  // namespace
}  // namespace oomgate
