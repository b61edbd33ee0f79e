// SPDX-License-Identifier: Apache-2.0
// MADV_PAGEOUT takes huge pages out as it takes small ones: all that is asked
// for, and of one in part no more than that; MADV_COLD only marks them.

#include <cerrno>

#include "cases/thp/huge.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 4;
constexpr Bytes kSize = kHuge * kHugePage;

struct Swapped {
  std::int64_t pages = Vmstat("pswpout");
  std::int64_t whole = Vmstat("thp_swpout");
  std::int64_t fallback = Vmstat("thp_swpout_fallback");
};

void Whole(Trace& trace) {
  const Bytes tables = ReadUsage().page_tables;
  const Range range = MapHuge(trace, kSize);
  NumberPages(range);
  const Bytes with = ReadUsage().page_tables;
  trace.Set("whole.huge", ReadMapping(range).anon_huge);
  trace.Set("cold.before", MappingField(range, "Referenced"));
  trace.Set("cold.errno", TryAdvise(range, MADV_COLD));
  trace.Set("cold.huge", ReadMapping(range).anon_huge);
  trace.Set("cold.after", MappingField(range, "Referenced"));
  const Swapped before;
  PageOut(trace, range, kSize);
  const Swapped now;
  trace.Set("whole.rss", ReadMapping(range).rss);
  trace.Set("whole.swap", ReadMapping(range).swap);
  trace.Set("whole.pages", now.pages - before.pages);
  trace.Set("whole.all",
            now.whole - before.whole + now.fallback - before.fallback);
  trace.Set("whole.once", now.whole - before.whole);
  trace.Set("whole.tables", ReadUsage().page_tables - with);
  trace.Set("whole.wrong", CountMisnumbered(range));
  trace.Set("whole.back", ReadMapping(range).rss);
  Unmap(trace, range);
  trace.Set("whole.tables_left", ReadUsage().page_tables - tables);
}

void Part(Trace& trace) {
  const Range range = MapHuge(trace, 2 * kHugePage);
  NumberPages(range);
  PageOut(trace, range.Part(5 * kPage, kPage), kPage);
  const MappingUsage usage = ReadMapping(range);
  trace.Set("part.rss", usage.rss);
  trace.Set("part.swap", usage.swap);
  trace.Set("part.huge", usage.anon_huge);
  trace.Set("part.wrong", CountMisnumbered(range));
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  // Its upper tables are there before anything is counted.
  MapHuge(trace, kHugePage);
  Whole(trace);
  Part(trace);
}

Oracle Expect(const Params&, const Facts&) {
  const Oracle cold =
      AllOf(Size("cold.before", Eq(kSize)), Count("cold.errno", Eq(0)),
            Size("cold.huge", Eq(kSize)), Size("cold.after", Eq(0_B)));
  const Oracle whole = AllOf(
      Size("whole.huge", Eq(kSize)), Size("whole.rss", Eq(0_B)),
      Size("whole.swap", Eq(kSize)), Count("whole.pages", Eq(kSize / kPage)),
      Count("whole.all", Eq(kHuge)), Size("whole.tables", Eq(0_B)),
      Size("whole.tables_left", Eq(0_B)), Count("whole.wrong", Eq(0)),
      Size("whole.back", Eq(kSize)));
  return AllOf(
      Survives(), cold, whole,
      AllOf(Size("part.rss", Eq(2 * kHugePage - kPage)),
            Size("part.swap", Eq(kPage)), Size("part.huge", Eq(kHugePage)),
            Count("part.wrong", Eq(0))));
}

Needs HugeGuestWithSwap() {
  Needs needs = HugeGuest();
  needs.swap = 64_MiB;
  return needs;
}

const Register kHugePageout{
    {.id = "thp/pageout",
     .summary = "MADV_PAGEOUT swaps out huge pages, and a part of one alone",
     .explains =
         {.claim = "Seed 1: the list of madvise, and swap; madvise(2), "
                   "MADV_COLD and MADV_PAGEOUT",
          .deed = "makes four huge pages cold and pages them out; then one "
                  "small page in the middle of one",
          .functions = "madvise_cold_or_pageout_pte_range, split_folio, "
                       "shrink_folio_list, swap_writepage",
          .look_at = "whole.once is how many went without a split, where the "
                     "device has clusters; cold.after what is still held to "
                     "be in use"},
     .needs = HugeGuestWithSwap(),
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
