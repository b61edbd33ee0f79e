// SPDX-License-Identifier: Apache-2.0
// MADV_FREE of a whole huge page keeps it whole, of a part of it splits it;
// both stay readable, and reclaim drops exactly what was freed.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 4;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr Bytes kPart = kHugePage / 4;

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapHuge(trace, kSize);
  WritePages(trace, range);
  HugeEvents events;
  const Range whole = range.Part(0_B, 2 * kHugePage);
  trace.Set("whole_errno", TryAdvise(whole, MADV_FREE));
  trace.Set("whole_huge", ReadMapping(range).anon_huge);
  events.Leave(trace, "whole");
  const Range part = range.Part(2 * kHugePage, kPart);
  trace.Set("part_errno", TryAdvise(part, MADV_FREE));
  trace.Set("part_huge", ReadMapping(range).anon_huge);
  events.Leave(trace, "part");
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("still_other", CountOther(range, 1));

  trace.Set("pageout_errno", TryAdvise(range, MADV_PAGEOUT));
  const MappingUsage left = ReadMapping(range);
  trace.Set("left_rss", left.rss);
  trace.Set("left_swap", left.swap);
  trace.Set("freed_other", CountOther(whole, 0) + CountOther(part, 0));
  const Bytes kept = 2 * kHugePage + kPart;
  trace.Set("kept_other", CountOther(range.Part(kept, kSize - kept), 1));
  Unmap(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  const Oracle freed = AllOf(
      Count("whole_errno", Eq(0)), Size("whole_huge", Eq(kSize)),
      Happened{}.In("whole"), Count("part_errno", Eq(0)),
      Size("part_huge", Eq(kSize - kHugePage)),
      // Some kernels queue it for the split that it is in already.
      Count("part.thp_split_pmd", Eq(1)), Count("part.thp_split_page", Eq(1)),
      Size("rss", Eq(kSize)), Count("still_other", Eq(0)));
  const Oracle dropped =
      AllOf(Count("pageout_errno", Eq(0)),
            Size("left_rss", Eq(kSize - 2 * kHugePage - kPart)),
            Size("left_swap", Eq(0_B)), Count("freed_other", Eq(0)),
            Count("kept_other", Eq(0)));
  return AllOf(Survives(), freed, dropped);
}

const Register kFreeLazy{
    {.id = "thp/free_lazy",
     .summary = "MADV_FREE of a part splits a huge page, of all of it does not",
     .explains =
         {.claim = "Seed 1: \"MADV_FREE: lazily\", with THP; madvise(2)",
          .deed = "frees two huge pages and a quarter of a third lazily, then "
                  "reclaims all",
          .functions = "madvise_free_huge_pmd, madvise_free_pte_range, "
                       "split_huge_page",
          .look_at = "whole_huge and part_huge: what stayed huge; left_rss: "
                     "what reclaim left"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "left_rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
