// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED gives pages back at once. Since 6.14 it frees page tables that
// it empties in whole; before, they stay until the mapping goes.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr Bytes kSize = 16_MiB;

struct Filled : Counted {
  Range range = MapApart(trace, kSize, PROT_READ | PROT_WRITE);
};

void Fill(Filled& s) {
  s.p["fill"] == "write" ? WritePages(s.trace, s.range)
                         : ReadPages(s.trace, s.range);
}

void DiscardInHalves(Filled& s) {
  constexpr Bytes kHalf = kHugePage / 2;
  for (Bytes at; at < kSize; at += kHalf) {
    Advise(s.trace, s.range.Part(at, kHalf), MADV_DONTNEED);
  }
}

Row<Filled> Has(Bytes tables, std::int64_t pages, Bytes rss) {
  return Rows<Filled>{
      {"tables", &Filled::Tables, tables},
      {"pages", [](Filled& s) { return ResidentPages(s.range); }, pages},
      {"rss", Smaps("Rss"), rss}};
}

Steps<Filled> Make(const Params& p, const Facts& f) {
  // 6375e95f381e (6.14), CONFIG_PT_RECLAIM: on wherever x86-64 has SMP.
  const bool reclaims = f.kernel >= KernelVersion{6, 14};
  constexpr std::int64_t kPages = kSize / kPage;
  const Bytes tables = TablesFor(0_B, kPages, kPage);
  const Bytes upper = 2 * kPage;
  const Bytes rss = p["fill"] == "write" ? kSize : 0_B;
  const auto faults = Change("faults", Faults, kPages);
  return {{"fill", Fill, {faults, Has(tables, kPages, rss)}},
          {"discard all",
           [](Filled& s) { return TryAdvise(s.range, MADV_DONTNEED); },
           {Has(reclaims ? upper : tables, 0, 0_B)}},
          {"fill again", Fill, {faults, Has(tables, kPages, rss)}},
          {"discard half a table at a time",
           DiscardInHalves,
           {Has(tables, 0, 0_B)}},
          {"unmap",
           [](Filled& s) { Unmap(s.trace, s.range); },
           {{"tables", &Filled::Tables, 0_B}}}};
}

const Register kDontneedReclaim{
    {.id = "pages/dontneed_reclaim",
     .summary = "MADV_DONTNEED of whole tables frees them since 6.14",
     .claim = "Seed 1: MADV_DONTNEED frees RSS immediately: true, but page "
              "tables only since 6.14 (page_tables.dontneed_reclaim)",
     .functions = "zap_pte_range, try_get_and_clear_pmd, try_to_free_pte",
     .look_at =
         "tables_whole: what an allocator that never unmaps keeps for ever",
     .params = {{"fill", {"read", "write"}}},
     .steps = Make,
     .metrics = {Metric::Size("tables_whole", "discard all.tables"),
                 Metric::Size("tables_pieces",
                              "discard half a table at a time.tables")}}};

}  // namespace
}  // namespace oomgate::pages
