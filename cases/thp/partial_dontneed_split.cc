// SPDX-License-Identifier: Apache-2.0
// A part of a huge page that is given up leaves the Rss at once, and comes back
// to the machine only when something splits the huge page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 16;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr Bytes kGivenUp = kHuge * kHugePage / 2;

// Free memory, wherever the allocator keeps it.
Bytes Free() {
  RefreshVmstat();
  return Meminfo("MemFree") + PerCpuPages();
}

void Subject(Trace& trace, const Params&, const Facts&) {
  // What the caches hold now is not to come back with the split.
  WriteKnob(trace, "/proc/sys/vm/drop_caches", "2");
  const Range range = MapHuge(trace, kSize);
  WritePages(trace, range);
  const Bytes anonymous = (RefreshVmstat(), Meminfo("AnonPages"));
  const Bytes page_tables = ReadUsage().page_tables;
  HugeEvents events;
  const Bytes full = Free();
  // One small page of the first one, then half of each.
  trace.Set("dontneed", TryAdvise(range.Part(0_B, kPage), MADV_DONTNEED));
  trace.Set("rss_one", ReadMapping(range).rss);
  trace.Set("huge_one", ReadMapping(range).anon_huge);
  events.Leave(trace, "one");
  for (std::int64_t i = 0; i < kHuge; ++i) {
    TryAdvise(range.Part(i * kHugePage, kHugePage / 2), MADV_DONTNEED);
  }
  events.Leave(trace, "half");
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss_half", mapped.rss);
  trace.Set("huge_half", mapped.anon_huge);
  trace.Set("mappings", mapped.mappings);
  trace.Set("page_tables", ReadUsage().page_tables - page_tables);
  RefreshVmstat();
  trace.Set("machine_anon", Meminfo("AnonPages") - anonymous);
  trace.Set("free_before_split", Free() - full);

  // Shrinking the caches splits them.
  WriteKnob(trace, "/proc/sys/vm/drop_caches", "2");
  events.Leave(trace, "shrink");
  trace.Set("free_after_split", Free() - full);
  trace.Set("rss_split", ReadMapping(range).rss);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < kHuge; ++i) {
    const Bytes start = i * kHugePage;
    wrong += CountOther(range.Part(start, kHugePage / 2), 0);
    wrong += CountOther(range.Part(start + kHugePage / 2, kHugePage / 2), 1);
  }
  trace.Set("wrong_bytes", wrong);
  Unmap(trace, range);
}

Oracle Expect(const Params&, const Facts&) {
  // Slab that the shrinking frees, and what the kernel takes meanwhile.
  constexpr Bytes kKernel = 2_MiB;
  const Oracle one =
      AllOf(Count("dontneed", Eq(0)), Size("rss_one", Eq(kSize - kPage)),
            Size("huge_one", Eq(kSize - kHugePage)),
            Happened{.split_pmd = 1, .deferred = 1}.In("one"));
  const Oracle half =
      AllOf(Happened{.split_pmd = kHuge - 1, .deferred = kHuge - 1}.In("half"),
            Size("rss_half", Eq(kSize - kGivenUp)), Size("huge_half", Eq(0_B)),
            Count("mappings", Eq(1)), Size("page_tables", Eq(0_B)),
            // A page or two of the subject's stack may be new.
            Size("machine_anon", Between(0_B - kGivenUp, 2 * kPage - kGivenUp)),
            Size("free_before_split", Between(0_B - kKernel, kKernel)));
  const Oracle split = AllOf(
      Happened{.split_page = kHuge}.In("shrink"),
      Size("free_after_split", Between(kGivenUp - kKernel, kGivenUp + kKernel)),
      Size("rss_split", Eq(kSize - kGivenUp)));
  return AllOf(Survives(), one, half, split, Count("wrong_bytes", Eq(0)));
}

const Register kPartialDontneedSplit{
    {.id = "thp/partial_dontneed_split",
     .summary = "half a huge page given up is free only once it is split",
     .explains =
         {.claim = "Seed 1: \"MADV_DONTNEED frees at once\" holds for the Rss; "
                   "of a huge page, not for the machine",
          .deed = "gives up a page, then half, of 16 huge pages, and lets the "
                  "caches be shrunk",
          .functions = "__split_huge_pmd, deferred_split_folio, "
                       "deferred_split_scan, split_huge_page",
          .look_at = "free_after_split: what was given up must be free then; "
                     "thp_deferred_split_page whether it was queued"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "rss_half", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
