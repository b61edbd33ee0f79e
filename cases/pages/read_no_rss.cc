// SPDX-License-Identifier: Apache-2.0
// Reading untouched anonymous memory maps the shared zero page: one minor fault
// a page, no resident memory, and 4 KiB of page table for every 2 MiB.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapOptions options;
  options.prot = p["prot"] == "r" ? PROT_READ : PROT_READ | PROT_WRITE;
  const Range range = MapAnonymous(trace, p.Size("size"), options);
  const Usage before = ReadUsage();
  ReadPages(trace, range);
  const Usage after = ReadUsage();
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
  Unmap(trace, range);
  trace.Set("page_tables_left", ReadUsage().page_tables - before.page_tables);
}

Oracle Expect(const Params& p, const Facts&) {
  const Bytes size = p.Size("size");
  const Bytes leaves = kPage * (size / kHugePage);
  // Up to four faults are not ours: text and stack pages.
  return AllOf(Survives(), Size("rss", Eq(0_B)), Size("anon_huge", Eq(0_B)),
               Count("minor_faults", Between(size / kPage, size / kPage + 4)),
               // A new upper level, or two, may be ours alone.
               Size("page_tables", Between(leaves, leaves + 2 * kPage)),
               Size("page_tables_left", Eq(0_B)));
}

const Register kReadNoRss{
    {.id = "pages/read_no_rss",
     .summary = "reading untouched memory maps the zero page: faults, no RSS",
     .explains =
         "Claim: \"reading does not trigger allocation\", 26,214,400 faults "
         "for "
         "100 GB. Kernel: do_anonymous_page, my_zero_pfn. When it fails, look "
         "at smaps of the range: Rss says that reads allocate, AnonHugePages "
         "that MADV_NOHUGEPAGE is not honoured.",
     .params = {{"size", {"16m", "256m"}}, {"prot", {"r", "rw"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss", .better = Better::kLower, .unit = "bytes"},
                 {.name = "minor_faults",
                  .better = Better::kLower,
                  .kind = Kind::kBounded,
                  .tolerance = 4,
                  .cause = "text and stack pages of the subject"},
                 {.name = "page_tables",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 8192,
                  .cause = "upper levels shared with neighbours"}}}};

}  // namespace
}  // namespace oomgate
