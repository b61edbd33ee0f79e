// SPDX-License-Identifier: Apache-2.0
// A read fault that maps the huge zero page takes 2 MiB at once and no memory,
// but a page table all the same: huge pages do not save page tables.
#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();  // none of its own faults are counted
  pages::WarmUp(trace);
  MapOptions options;
  options.prot = PROT_READ;
  options.align = pages::kUpperSpan;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kSize, options);
  Vmstat("thp_zero_page_alloc");
  const std::int64_t huge_faults = Vmstat("thp_fault_alloc");
  const Usage before = ReadUsage();
  const auto tables = [&](const char* name) {
    trace.Set(name, ReadUsage().page_tables - before.page_tables);
  };
  ReadPages(trace, range);
  trace.Set("minor_faults", ReadUsage().minor_faults - before.minor_faults);
  trace.Set("huge_allocations", Vmstat("thp_fault_alloc") - huge_faults);
  tables("tables");
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  // A part of a huge page gets another protection: it is split into small zero
  // pages, in the table that was deposited.
  if (mprotect(range.start, static_cast<std::size_t>(kPage.count), PROT_NONE) !=
      0) {
    trace.Stop("mprotect", errno);
  }
  tables("tables_split");
  const std::int64_t faults = ReadUsage().minor_faults;
  ReadPages(trace, range.Part(kPage, kHugePage - kPage));
  trace.Set("faults_after_split", ReadUsage().minor_faults - faults);
  trace.Set("rss_split", ReadMapping(range).rss);
  // The other 31 give their deposits back with the pages.
  if (madvise(range.start + kHugePage.count,
              static_cast<std::size_t>((kSize - kHugePage).count),
              MADV_DONTNEED) != 0) {
    trace.Stop("MADV_DONTNEED", errno);
  }
  tables("tables_dontneed");
  Unmap(trace, range);
  tables("tables_left");
}

Oracle Expect(const Params&, const Facts&) {
  constexpr std::int64_t kHuge = kSize / kHugePage;
  const Bytes tables = pages::TablesFor(0_B, kHuge, kHugePage);
  return AllOf(Survives(), Count("minor_faults", Eq(kHuge)),
               Count("huge_allocations", Eq(0)), Size("tables", Eq(tables)),
               Size("rss", Eq(0_B)), Size("anon_huge", Eq(0_B)),
               Size("tables_split", Eq(tables)),
               Count("faults_after_split", Eq(0)), Size("rss_split", Eq(0_B)),
               Size("tables_dontneed", Eq(tables - (kHuge - 1) * kPage)),
               Size("tables_left", Eq(0_B)));
}

const Register kThpZeroDeposit{
    {.id = "pages/thp_zero_deposit",
     .summary = "the huge zero page costs a page table for every 2 MiB too",
     .explains = {.claim = "Seed 1: THP saves page tables: not for reads "
                           "(page_tables.thp_zero_deposit)",
                  .deed = "reads 64 MiB of huge pages, splits one, gives the "
                          "rest back",
                  .functions =
                      "do_huge_pmd_anonymous_page, "
                      "set_huge_zero_folio, pgtable_trans_huge_deposit, "
                      "__split_huge_zero_page_pmd, zap_huge_pmd",
                  .look_at = "minor_faults of 512 a 2 MiB: no huge zero page; "
                             "tables_dontneed: leaked deposits"},
     .needs = {.alone = true,
               .settings = {{"/sys/kernel/mm/transparent_hugepage/enabled",
                             "madvise"},
                            {"/sys/kernel/mm/transparent_hugepage/"
                             "use_zero_page",
                             "1"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
