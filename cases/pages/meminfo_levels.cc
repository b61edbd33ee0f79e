// SPDX-License-Identifier: Apache-2.0
// What the machine says of page tables is what processes have, level by level:
// PageTables counts directories since 5.10 and the level above since 6.8.
#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 512;  // one per GiB: leaf and directory each

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = pages::MapApart(trace, kTouches * 1_GiB, PROT_READ);
  Vmstat("pgfault");
  const Bytes machine = OnceStill(pages::MachineTables);
  const std::int64_t pages = Vmstat("nr_page_table_pages");
  const std::int64_t faults = Vmstat("pgfault");
  const Usage before = ReadUsage();
  ReadPages(trace, range, 1_GiB);
  const Usage after = ReadUsage();
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("machine_faults", Vmstat("pgfault") - faults);
  trace.Set("machine_tables", pages::MachineTables() - machine);
  trace.Set("vmstat_tables", (Vmstat("nr_page_table_pages") - pages) * kPage);
  trace.Set("node_tables", NodeMeminfo(0, "PageTables"));
  trace.Set("meminfo_tables", Meminfo("PageTables"));
}

Oracle Expect(const Params&, const Facts& f) {
  const Bytes all = (2 * kTouches + 1) * kPage;
  Bytes counted = all;
  if (f.kernel < KernelVersion{6, 8}) counted = 2 * kTouches * kPage;
  if (f.kernel < KernelVersion{5, 10}) counted = kTouches * kPage;
  // The judge looks at the subject meanwhile.
  constexpr std::int64_t kOther = 64;
  return AllOf(Survives(), Size("page_tables", Eq(all)),
               Size("machine_tables", Eq(counted)),
               Size("vmstat_tables", Eq(counted)),
               Difference("node_tables", "meminfo_tables", Eq(0)),
               Count("machine_faults", Between(kTouches, kTouches + kOther)));
}

const Register kMeminfoLevels{
    {.id = "pages/meminfo_levels",
     .summary = "PageTables of the machine counts the levels that it promises",
     .explains = {.claim = "Seed 0: four levels of tables, and who counts them "
                           "(page_tables.meminfo_levels)",
                  .deed = "reads a byte in each of 512 GiB",
                  .functions = "pagetable_pte_ctor, pagetable_pmd_ctor, "
                               "pagetable_pud_ctor, NR_PAGETABLE",
                  .look_at = "machine_tables against page_tables: the level "
                             "that is missing or counted twice"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "machine_tables", .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
