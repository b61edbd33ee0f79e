// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED gives pages back at once. Since 6.14 it frees page tables that
// it empties in whole; before, they stay until the mapping goes.
#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 16_MiB;

void Fill(Trace& trace, const Range& range, bool write) {
  write ? WritePages(trace, range) : ReadPages(trace, range);
}

void DontNeed(Trace& trace, const Range& range, Bytes piece) {
  for (Bytes at; at < range.size; at += piece) {
    if (madvise(range.start + at.count, static_cast<std::size_t>(piece.count),
                MADV_DONTNEED) != 0) {
      trace.Stop("MADV_DONTNEED", errno);
    }
  }
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();  // none of its own faults are counted
  const bool write = p["fill"] == "write";
  const Range range = pages::MapApart(trace, kSize, PROT_READ | PROT_WRITE);
  const Bytes before = ReadUsage().page_tables;
  const auto note = [&](const char* tables, const char* rss) {
    trace.Set(tables, ReadUsage().page_tables - before);
    trace.Set(rss, ReadMapping(range).rss);
  };
  Fill(trace, range, write);
  note("tables_full", "rss_full");
  DontNeed(trace, range, kSize);
  note("tables_whole", "rss_whole");
  const std::int64_t faults = ReadUsage().minor_faults;
  Fill(trace, range, write);
  trace.Set("faults_again", ReadUsage().minor_faults - faults);
  note("tables_refilled", "rss_refilled");
  // Half a table at a time.
  DontNeed(trace, range, kHugePage / 2);
  note("tables_pieces", "rss_pieces");
  Unmap(trace, range);
  trace.Set("tables_left", ReadUsage().page_tables - before);
}

Oracle Expect(const Params& p, const Facts& f) {
  // 6375e95f381e (6.14), CONFIG_PT_RECLAIM: on wherever x86-64 has SMP.
  const bool reclaims = f.kernel >= KernelVersion{6, 14};
  const Bytes tables = pages::TablesFor(0_B, kSize / kPage, kPage);
  const Bytes upper = 2 * kPage;
  const Bytes rss = p["fill"] == "write" ? kSize : 0_B;
  return AllOf(
      Survives(), Size("tables_full", Eq(tables)), Size("rss_full", Eq(rss)),
      Size("tables_whole", Eq(reclaims ? upper : tables)),
      Size("rss_whole", Eq(0_B)), Count("faults_again", Eq(kSize / kPage)),
      Size("tables_refilled", Eq(tables)), Size("rss_refilled", Eq(rss)),
      Size("tables_pieces", Eq(tables)), Size("rss_pieces", Eq(0_B)),
      Size("tables_left", Eq(0_B)));
}

const Register kDontneedReclaim{
    {.id = "pages/dontneed_reclaim",
     .summary = "MADV_DONTNEED of whole tables frees them since 6.14",
     .explains = {.claim = "Seed 1: MADV_DONTNEED frees RSS immediately: true, "
                           "but page tables only since 6.14 "
                           "(page_tables.dontneed_reclaim)",
                  .deed = "fills 16 MiB and gives it back, at once and in "
                          "pieces of half a table",
                  .functions = "zap_pte_range, try_get_and_clear_pmd, "
                               "try_to_free_pte",
                  .look_at = "tables_whole: what an allocator that never "
                             "unmaps keeps for ever"},
     .params = {{"fill", {"read", "write"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "tables_whole", .better = Better::kLower, .unit = "bytes"},
         {.name = "tables_pieces",
          .better = Better::kLower,
          .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
