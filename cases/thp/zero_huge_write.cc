// SPDX-License-Identifier: Apache-2.0
// One byte written to the huge zero page: up to 6.12 it is split and costs
// 4 KiB, since 6.13 it costs a whole huge page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;
constexpr Bytes kWhere = 5 * kHugePage;

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapHuge(trace, kSize);
  ReadPages(trace, range);
  ReadUsage();
  HugeEvents events;
  const Usage before = ReadUsage();
  char* const at = range.start + kWhere.count;
  *static_cast<volatile char*>(at) = 1;
  const Usage first = ReadUsage();
  events.Leave(trace, "first");
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("minor_faults", first.minor_faults - before.minor_faults);
  trace.Set("page_tables", first.page_tables - before.page_tables);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  trace.Set("private_dirty", mapped.private_dirty);
  trace.Set("mappings", mapped.mappings);

  // Another byte of the same huge page, and all that were not written.
  const Usage between = ReadUsage();
  *static_cast<volatile char*>(at + kPage.count) = 1;
  trace.Set("second_faults", ReadUsage().minor_faults - between.minor_faults);
  trace.Set("second_rss", ReadMapping(range).rss);
  events.Leave(trace, "second");
  trace.Set("other_bytes", CountOther(range, 0));
  trace.Set("rss_after_reading", ReadMapping(range).rss);

  trace.Set("dontneed", TryAdvise(range, MADV_DONTNEED));
  trace.Set("rss_left", ReadMapping(range).rss);
}

Oracle Expect(const Params&, const Facts& f) {
  // 3917c80280c9 (5.8): split instead of allocating; 4f6192d7a3b5 (6.13)
  // allocates again.
  const bool splits =
      f.kernel >= KernelVersion{5, 8} && f.kernel < KernelVersion{6, 13};
  const Bytes cost = splits ? kPage : kHugePage;
  const Bytes both = splits ? 2 * kPage : kHugePage;
  const Happened first{.alloc = splits ? 0 : 1, .split_pmd = splits ? 1 : 0};
  return AllOf(
      AllOf(Survives(), Size("rss", Eq(cost)), Size("private_dirty", Eq(cost)),
            Size("anon_huge", Eq(splits ? 0_B : kHugePage)),
            // One fault may be the stack's.
            Count("minor_faults", Between(1, 2)), Count("mappings", Eq(1)),
            Size("page_tables", Eq(0_B)), first.In("first")),
      Count("second_faults", Between(splits ? 1 : 0, splits ? 2 : 1)),
      Size("second_rss", Eq(both)), Happened{}.In("second"),
      Count("other_bytes", Eq(2)), Size("rss_after_reading", Eq(both)),
      Count("dontneed", Eq(0)), Size("rss_left", Eq(0_B)));
}

const Register kZeroHugeWrite{
    {.id = "thp/zero_huge_write",
     .summary = "the first write to the huge zero page: 4 KiB up to 6.12, then "
                "2 MiB",
     .explains =
         {.claim = "Seed 1: memory amplification by THP, on the first write to "
                   "what was only read",
          .deed = "reads 16 MiB of huge mappings, writes one byte, then a "
                  "second one beside it",
          .functions = "do_huge_pmd_wp_page, do_huge_zero_wp_pmd, "
                       "__split_huge_zero_page_pmd",
          .look_at = "rss is what one byte cost; other_bytes whether the rest "
                     "still reads as zero"},
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
