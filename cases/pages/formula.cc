// SPDX-License-Identifier: Apache-2.0
// Page tables are whole pages: one for every 2 MiB, 1 GiB and 512 GiB in which
// something was touched, exactly, and each touch is one fault.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

std::int64_t TouchesOf(const Params& p) {
  if (p["stride"] == "4k") return 16384;
  return p["stride"] == "512g" ? 32 : 1024;
}

// "edge" begins with the last page of a table of every level.
Bytes OffsetOf(const Params& p) {
  return p["from"] == "edge" ? kUpperSpan - kPage : 0_B;
}

struct Sparse : Counted {
  Bytes offset = OffsetOf(p);
  Bytes size = TouchesOf(p) * p.Size("stride");
  Range range = MapApart(trace, offset + size, PROT_READ);
};

void Read(Sparse& s) {
  ReadPages(s.trace, s.range.Part(s.offset, s.size), s.p.Size("stride"));
}

Steps<Sparse> Make(const Params& p, const Facts&) {
  const std::int64_t touches = TouchesOf(p);
  const Bytes tables = TablesFor(OffsetOf(p), touches, p.Size("stride"));
  return {{"read a byte in every stride",
           Read,
           {Change("faults", Faults, touches),
            Touches(touches),
            {"tables", &Sparse::Tables, tables},
            {"rss", Smaps("Rss"), 0_B}}},
          {"unmap",
           [](Sparse& s) { Unmap(s.trace, s.range); },
           {{"tables", &Sparse::Tables, 0_B}}}};
}

const Register kFormula{
    {.id = "pages/formula",
     .summary = "page tables follow their formula to the page",
     .claim = "Seed 0: tables are whole 4 KiB pages, four levels, the ceiling "
              "formula (page_tables.formula)",
     .functions =
         "mm_inc_nr_ptes, mm_inc_nr_pmds, mm_inc_nr_puds, free_pgtables",
     .look_at = "which level is off: 2m shows leaves, 1g adds directories, "
                "512g the level above",
     .suite = Suite::kQuick,
     .params = {{"stride", {"4k", "2m", "1g", "512g"}},
                {"from", {"start", "edge"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("page_tables", "read a byte in every stride.tables")}}};

}  // namespace
}  // namespace oomgate::pages
