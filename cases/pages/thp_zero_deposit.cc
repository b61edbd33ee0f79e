// SPDX-License-Identifier: Apache-2.0
// A read fault that maps the huge zero page takes 2 MiB at once and no memory,
// but a page table all the same: huge pages do not save page tables.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 64_MiB;
constexpr std::int64_t kHuge = kSize / kHugePage;

struct Huge : Counted {
  Range range = MapApart(trace, kSize, PROT_READ, MapOptions::kHuge);
};

Row<Huge> TablesAre(Bytes size) { return {"tables", &Huge::Tables, size}; }

Steps<Huge> Make(const Params&, const Facts&) {
  const Bytes tables = TablesFor(0_B, kHuge, kHugePage);
  const auto counter = [](const char* name) {
    return [=] { return Vmstat(name); };
  };
  return {
      {"read every page",
       [](Huge& s) { ReadPages(s.trace, s.range); },
       {Change("faults", Faults, kHuge),
        Change("huge_allocations", counter("thp_fault_alloc"), 0),
        TablesAre(tables),
        {"rss", Smaps("Rss"), 0_B},
        {"anon_huge", Smaps("AnonHugePages"), 0_B}}},
      // It is split into small zero pages, in the table that was deposited.
      {"protect 4 KiB of the first",
       [](Huge& s) { return TryProtect(s.range.Part(0_B, kPage), PROT_NONE); },
       {Change("splits", counter("thp_split_pmd"), 1), TablesAre(tables)}},
      {"read the rest of it",
       [](Huge& s) {
         ReadPages(s.trace, s.range.Part(kPage, kHugePage - kPage));
       },
       {Change("faults", Faults, 0),
        Touches(kHugePage / kPage - 1),
        {"rss", Smaps("Rss"), 0_B}}},
      // They give their deposits back with the pages.
      {"discard the others",
       [](Huge& s) {
         return TryAdvise(s.range.Part(kHugePage, kSize - kHugePage),
                          MADV_DONTNEED);
       },
       {TablesAre(tables - (kHuge - 1) * kPage)}},
      {"unmap", [](Huge& s) { Unmap(s.trace, s.range); }, {TablesAre(0_B)}}};
}

const Register kThpZeroDeposit{
    {.id = "pages/thp_zero_deposit",
     .summary = "the huge zero page costs a page table for every 2 MiB too",
     .claim = "Seed 1: THP saves page tables: not for reads "
              "(page_tables.thp_zero_deposit)",
     .functions =
         "do_huge_pmd_anonymous_page, set_huge_zero_folio, "
         "pgtable_trans_huge_deposit, __split_huge_zero_page_pmd, zap_huge_pmd",
     .look_at = "faults of 512 a 2 MiB: no huge zero page",
     .needs = {.alone = true,
               .settings = {kThpKnobs.With("enabled", "madvise"),
                            kThpKnobs.With("use_zero_page", "1")}},
     .steps = Make,
     .metrics = {Metric::Size("tables", "read every page.tables")}}};

}  // namespace
}  // namespace oomgate::pages
