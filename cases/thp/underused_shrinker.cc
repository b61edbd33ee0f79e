// SPDX-License-Identifier: Apache-2.0
// Since 6.12 shrinking splits huge pages that hold more zero-filled pages than
// max_ptes_none, and gives those pages back; up to 6.11 they stay.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kSparse = 16;
constexpr std::int64_t kFull = 4;
constexpr std::int64_t kAlmostFull = 4;
constexpr std::int64_t kPages = kHugePage / kPage;
constexpr std::int64_t kLimit = 64;

// Shrinks with a limit of so many zero-filled pages; how many of one huge page
// with as many, and one with one more, were split.
std::int64_t SplitWithLimit(Trace& trace, const char* limit) {
  WriteKnob(trace,
            "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
            limit);
  const Range pair = MapHuge(trace, 2 * kHugePage);
  WritePages(trace, pair.Part(0_B, kHugePage - kLimit * kPage));
  WritePages(trace, pair.Part(kHugePage, kHugePage - (kLimit + 1) * kPage));
  WriteKnob(trace, "/proc/sys/vm/drop_caches", "2");
  const MappingUsage usage = ReadMapping(pair);
  trace.Set("rss_with_limit", usage.rss);
  Unmap(trace, pair);
  return (pair.size - usage.anon_huge) / kHugePage;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  // max_ptes_none is 0 here: one zero-filled page is one too many.
  const Range sparse = MapHuge(trace, kSparse * kHugePage);
  const Range full = MapHuge(trace, kFull * kHugePage);
  const Range almost = MapHuge(trace, kAlmostFull * kHugePage);
  WritePages(trace, sparse, kHugePage);
  WritePages(trace, full);
  for (std::int64_t i = 0; i < kAlmostFull; ++i) {
    WritePages(trace, almost.Part(i * kHugePage, kHugePage - kPage));
  }
  trace.Set("huge_before", ReadMapping(sparse).anon_huge +
                               ReadMapping(full).anon_huge +
                               ReadMapping(almost).anon_huge);
  const std::int64_t split = Vmstat("thp_underused_split_page");
  HugeEvents events;
  WriteKnob(trace, "/proc/sys/vm/drop_caches", "2");
  events.Leave(trace, "shrink");
  // -1 on both sides where the kernel has no such counter.
  trace.Set("has_counter", split >= 0 ? 1 : 0);
  trace.Set("underused", Vmstat("thp_underused_split_page") - split);
  trace.Set("sparse_rss", ReadMapping(sparse).rss);
  trace.Set("sparse_huge", ReadMapping(sparse).anon_huge);
  trace.Set("full_rss", ReadMapping(full).rss);
  trace.Set("full_huge", ReadMapping(full).anon_huge);
  trace.Set("almost_rss", ReadMapping(almost).rss);
  trace.Set("almost_huge", ReadMapping(almost).anon_huge);

  std::int64_t wrong = CountOther(sparse, 1, kHugePage) + CountOther(full, 1);
  trace.Set("zero_pages", CountOther(sparse, 1) + CountOther(almost, 1));
  trace.Set("wrong_bytes", wrong);
  Unmap(trace, sparse);
  Unmap(trace, full);
  Unmap(trace, almost);

  trace.Set("split_at_511", SplitWithLimit(trace, "511"));
  trace.Set("split_at_64", SplitWithLimit(trace, "64"));
}

Oracle Expect(const Params&, const Facts& f) {
  // dafff3f4c850 (6.12): mm: split underused THPs.
  const bool shrinks = f.kernel >= KernelVersion{6, 12};
  const std::int64_t split = shrinks ? kSparse + kAlmostFull : 0;
  const Bytes sparse = kSparse * kHugePage;
  const Bytes full = kFull * kHugePage;
  const Bytes almost = kAlmostFull * kHugePage;
  return AllOf(
      AllOf(Survives(), Size("huge_before", Eq(sparse + full + almost)),
            Count("has_counter", Eq(shrinks ? 1 : 0)),
            Count("underused", Eq(split))),
      Happened{.split_pmd = split, .split_page = split}.In("shrink"),
      AllOf(Size("sparse_rss", Eq(shrinks ? kSparse * kPage : sparse)),
            Size("sparse_huge", Eq(shrinks ? 0_B : sparse)),
            Size("almost_rss",
                 Eq(shrinks ? almost - kAlmostFull * kPage : almost)),
            Size("almost_huge", Eq(shrinks ? 0_B : almost)),
            Size("full_rss", Eq(full)), Size("full_huge", Eq(full))),
      // The limit itself is not too many; 511 of them never are.
      AllOf(Count("split_at_511", Eq(0)),
            Count("split_at_64", Eq(shrinks ? 1 : 0)),
            Size("rss_with_limit",
                 Eq(2 * kHugePage - (shrinks ? (kLimit + 1) * kPage : 0_B)))),
      Count("zero_pages", Eq(kSparse * (kPages - 1) + kAlmostFull)),
      Count("wrong_bytes", Eq(0)));
}

const Register kUnderusedShrinker{
    {.id = "thp/underused_shrinker",
     .summary =
         "shrinking takes back the zero-filled pages of huge ones (6.12)",
     .explains =
         {.claim = "Seed 1: THP's waste of memory; admin-guide/mm/transhuge, "
                   "\"shrink_underused\"",
          .deed = "writes 1, 511 and 512 pages of huge pages, and lets the "
                  "caches be shrunk with max_ptes_none = 0; 64 and 65 zero "
                  "pages with limits of 511 and 64",
          .functions = "deferred_split_scan, thp_underused, "
                       "try_to_map_unused_to_zeropage",
          .look_at = "full_huge: a full page must stay; sparse_rss: a sparse "
                     "one must fall to what was written"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "sparse_rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
