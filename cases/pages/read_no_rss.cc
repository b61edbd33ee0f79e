// SPDX-License-Identifier: Apache-2.0
// Reading untouched anonymous memory maps the shared zero page: one minor fault
// a page, no resident memory, and exactly the page tables that hold the pages.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

struct Untouched : Counted {
  int prot = p["prot"] == "r" ? PROT_READ : PROT_READ | PROT_WRITE;
  Range range = MapApart(trace, p.Size("size"), prot);
};

void Read(Untouched& s) { ReadPages(s.trace, s.range); }

Steps<Untouched> Make(const Params& p, const Facts& f) {
  const std::int64_t pages = p.Size("size") / kPage;
  const Bytes lag = RssLag(f);
  return {{"read every page",
           Read,
           {Change("faults", Faults, pages),
            {"tables", &Untouched::Tables, TablesFor(0_B, pages, kPage)},
            Change(
                "rss_anon", [] { return StatusField("RssAnon"); },
                Between(0_B - lag, lag)),
            {"rss", Smaps("Rss"), 0_B},
            {"anon_huge", Smaps("AnonHugePages"), 0_B},
            {"anonymous", Smaps("Anonymous"), 0_B},
            {"referenced", Smaps("Referenced"), 0_B}}},
          // Every page is there now: no second fault.
          {"read again", Read, {Change("faults", Faults, 0), Touches(pages)}},
          {"unmap",
           [](Untouched& s) { Unmap(s.trace, s.range); },
           {{"tables", &Untouched::Tables, 0_B}}}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["size"] != "16m") instance.suite = Suite::kDefault;
}

const Register kReadNoRss{
    {.id = "pages/read_no_rss",
     .summary = "reading untouched memory maps the zero page: faults, no RSS",
     .claim = "Seed 0: \"reading does not trigger allocation\"; 26,214,400 "
              "faults for 100 GB",
     .functions = "do_anonymous_page, my_zero_pfn",
     .look_at =
         "rss: reads allocate; anon_huge: MADV_NOHUGEPAGE is not honoured",
     .suite = Suite::kQuick,
     .adjust = Adjust,
     .params = {{"size", {"16m", "256m"}}, {"prot", {"r", "rw"}}},
     .steps = Make,
     .metrics = {Metric::Size("rss", "read every page.rss"),
                 Metric::Count("minor_faults", "read every page.faults"),
                 Metric::Size("page_tables", "read every page.tables")}}};

}  // namespace
}  // namespace oomgate::pages
