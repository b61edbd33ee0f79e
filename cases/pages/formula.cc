// SPDX-License-Identifier: Apache-2.0
// Page tables are whole pages: one for every 2 MiB, 1 GiB and 512 GiB in which
// something was touched, exactly, and each touch is one fault.
#include "cases/pages/tables.h"

namespace oomgate {
namespace {

std::int64_t TouchesOf(const Params& p) {
  if (p["stride"] == "4k") return 16384;
  return p["stride"] == "512g" ? 32 : 1024;
}

// "edge" begins with the last page of a table of every level.
Bytes Offset(const Params& p) {
  return p["from"] == "edge" ? pages::kUpperSpan - kPage : 0_B;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const Bytes span = TouchesOf(p) * p.Size("stride");
  const Range all = pages::MapApart(trace, Offset(p) + span, PROT_READ);
  const Range range = all.Part(Offset(p), span);
  const Usage before = ReadUsage();
  ReadPages(trace, range, p.Size("stride"));
  const Usage after = ReadUsage();
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("rss", ReadMapping(all).rss);
  Unmap(trace, all);
  trace.Set("page_tables_left", ReadUsage().page_tables - before.page_tables);
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Count("minor_faults", Eq(TouchesOf(p))),
               Touches(Eq(TouchesOf(p))), Size("rss", Eq(0_B)),
               Size("page_tables", Eq(pages::TablesFor(Offset(p), TouchesOf(p),
                                                       p.Size("stride")))),
               Size("page_tables_left", Eq(0_B)));
}

const Register kFormula{
    {.id = "pages/formula",
     .summary = "page tables follow their formula to the page",
     .explains = {.claim = "Seed 0: tables are whole 4 KiB pages, four levels, "
                           "the ceiling formula (page_tables.formula)",
                  .deed = "reads one byte in every 4 KiB, 2 MiB, 1 GiB or "
                          "512 GiB of an address range of its own",
                  .functions = "mm_inc_nr_ptes, mm_inc_nr_pmds, "
                               "mm_inc_nr_puds, free_pgtables",
                  .look_at = "which level is off: 2m shows leaves, 1g adds "
                             "directories, 512g the level above"},
     .suite = Suite::kQuick,
     .params = {{"stride", {"4k", "2m", "1g", "512g"}},
                {"from", {"start", "edge"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "page_tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
