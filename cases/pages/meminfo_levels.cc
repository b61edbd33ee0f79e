// SPDX-License-Identifier: Apache-2.0
// What the machine says of page tables is what processes have, level by level:
// PageTables counts directories since 5.10 and the level above since 6.8.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 512;  // one per GiB: leaf and directory each

struct Sparse : Warm {
  Range range = MapApart(trace, kTouches * 1_GiB, PROT_READ);
  Bytes still = OnceStill(MachineTables);
};

std::int64_t MachineFaults() { return Vmstat("pgfault"); }
Bytes VmstatTables() { return Vmstat("nr_page_table_pages") * kPage; }
void ReadNode(const Sparse& s) {
  s.Set("node_tables", NodeMeminfo(0, "PageTables"));
  s.Set("meminfo_tables", Meminfo("PageTables"));
}

Steps<Sparse> Make(const Params&, const Facts& f) {
  const Bytes all = (2 * kTouches + 1) * kPage;
  Bytes counted = all;
  if (f.kernel < KernelVersion{6, 8}) counted = 2 * kTouches * kPage;
  if (f.kernel < KernelVersion{5, 10}) counted = kTouches * kPage;
  // The judge looks at the subject meanwhile.
  constexpr std::int64_t kOther = 64;
  return {
      {"read a byte in each of 512 GiB",
       [](Sparse& s) { ReadPages(s.trace, s.range, 1_GiB); },
       {Change("faults", MachineFaults, Between(kTouches, kTouches + kOther)),
        Change("tables", Tables, all),
        Change("machine_tables", MachineTables, counted),
        Change("vmstat_tables", VmstatTables, counted),
        {ReadNode, Difference("node_tables", "meminfo_tables", 0)}}}};
}

const Register kMeminfoLevels{
    {.id = "pages/meminfo_levels",
     .summary = "PageTables of the machine counts the levels that it promises",
     .claim = "Seed 0: four levels of tables, and who counts them "
              "(page_tables.meminfo_levels)",
     .functions = "pagetable_pte_ctor, pagetable_pmd_ctor, pagetable_pud_ctor, "
                  "NR_PAGETABLE",
     .look_at = "machine_tables against tables: the level that is missing or "
                "counted twice",
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Size("machine_tables",
                              "read a byte in each of 512 GiB.machine_tables")
                     .EitherWay()}}};

}  // namespace
}  // namespace oomgate::pages
