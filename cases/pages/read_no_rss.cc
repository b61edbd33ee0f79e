// SPDX-License-Identifier: Apache-2.0
// Reading untouched anonymous memory maps the shared zero page: one minor fault
// a page, no resident memory, and exactly the page tables that hold the pages.
#include "cases/pages/tables.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const int prot = p["prot"] == "r" ? PROT_READ : PROT_READ | PROT_WRITE;
  const Range range = pages::MapApart(trace, p.Size("size"), prot);
  const Bytes rss_anon = StatusField("RssAnon");
  const Usage before = ReadUsage();
  ReadPages(trace, range);
  const Usage after = ReadUsage();
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("rss_anon", StatusField("RssAnon") - rss_anon);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  trace.Set("anonymous", MappingField(range, "Anonymous"));
  trace.Set("referenced", MappingField(range, "Referenced"));
  // Every page is there now: no second fault.
  const Usage again = ReadUsage();
  ReadPages(trace, range);
  trace.Set("second_faults", ReadUsage().minor_faults - again.minor_faults);
  Unmap(trace, range);
  trace.Set("page_tables_left", ReadUsage().page_tables - before.page_tables);
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::int64_t pages = p.Size("size") / kPage;
  const Bytes lag = pages::RssLag(f);
  return AllOf(Survives(), Size("rss", Eq(0_B)), Size("anon_huge", Eq(0_B)),
               Size("anonymous", Eq(0_B)), Size("referenced", Eq(0_B)),
               Size("rss_anon", Between(0_B - lag, lag)),
               Count("minor_faults", Eq(pages)), Count("second_faults", Eq(0)),
               Size("page_tables", Eq(pages::TablesFor(0_B, pages, kPage))),
               Size("page_tables_left", Eq(0_B)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["size"] != "16m") instance.suite = Suite::kDefault;
}

const Register kReadNoRss{
    {.id = "pages/read_no_rss",
     .summary = "reading untouched memory maps the zero page: faults, no RSS",
     .explains = {.claim = "Seed 0: \"reading does not trigger allocation\"; "
                           "26,214,400 faults for 100 GB",
                  .deed = "reads a byte of every page of an untouched mapping, "
                          "twice",
                  .functions = "do_anonymous_page, my_zero_pfn",
                  .look_at =
                      "smaps of the range: Rss says that reads allocate, "
                      "AnonHugePages that MADV_NOHUGEPAGE is not honoured"},
     .suite = Suite::kQuick,
     .adjust = Adjust,
     .params = {{"size", {"16m", "256m"}}, {"prot", {"r", "rw"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "rss", .better = Better::kLower, .unit = "bytes"},
         {.name = "minor_faults", .better = Better::kLower},
         {.name = "page_tables", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
