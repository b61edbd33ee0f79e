// SPDX-License-Identifier: Apache-2.0
// fork of huge pages copies their mappings whole: nothing is split, a table is
// set aside for each. The first write of either side splits that one only.
#include <time.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;

std::int64_t Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapApart(trace, kSize, MAP_PRIVATE);
  Advise(trace, range, MADV_HUGEPAGE);
  Now();
  const pid_t before = StartChild(trace, [&] {
    trace.Set("base_tables", ReadUsage().page_tables);
    trace.Set("base_size", ReadMapping(range).rss);
  });
  Reap(before);
  WritePages(trace, range, kHugePage);
  trace.Set("huge", ReadMapping(range).anon_huge);
  const std::int64_t splits = Vmstat("thp_split_pmd");
  const std::int64_t pages_split = Vmstat("thp_split_page");
  const std::int64_t allocated = Vmstat("thp_fault_alloc");

  Gate parent_may(trace);
  Gate child_did(trace);
  const std::int64_t start = Now();
  const pid_t child = StartChild(trace, [&] {
    // First: what a child runs costs tables too, and is the same in both.
    trace.Set("child_tables", ReadUsage().page_tables);
    trace.Set("splits_by_fork", Vmstat("thp_split_pmd") - splits);
    trace.Set("child_huge", ReadMapping(range).anon_huge);
    trace.Set("child_pss", MappingField(range, "Pss"));
    trace.Set("child_shared_dirty", MappingField(range, "Shared_Dirty"));
    // Reads cost nothing. A child maps a page of the trace as it touches it,
    // which is a fault, too: none may be touched in between.
    const std::int64_t faults = ReadUsage().minor_faults;
    (void)*static_cast<volatile char*>(range.start);
    const std::int64_t read = ReadUsage().minor_faults;
    range.start[kPage.count] = 2;
    const std::int64_t written = ReadUsage().minor_faults;
    trace.Set("read_faults", read - faults);
    trace.Set("write_faults", written - read);
    const MappingUsage mapped = ReadMapping(range);
    trace.Set("child_huge_written", mapped.anon_huge);
    trace.Set("child_rss_written", mapped.rss);
    trace.Set("child_private", mapped.private_dirty);
    trace.Set("splits_by_write", Vmstat("thp_split_pmd") - splits);
    trace.Set("child_sees", range.start[0]);
    child_did.Open();
    parent_may.Pass();
  });
  trace.Set("fork_ns", Now() - start);
  child_did.Pass();
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("parent_huge", mapped.anon_huge);
  trace.Set("parent_rss", mapped.rss);
  // The page that the child copied is ours alone now.
  trace.Set("parent_private", mapped.private_dirty);
  trace.Set("parent_sees", range.start[kPage.count]);
  parent_may.Open();
  trace.Set("child_status", Reap(child));

  // With the child gone a write takes the page over, huge as it is.
  const std::int64_t after = Vmstat("thp_split_pmd");
  for (char* at = range.start + kHugePage.count; at < range.end();
       at += kHugePage.count) {
    *static_cast<volatile char*>(at) = 3;
  }
  trace.Set("parent_huge_after", ReadMapping(range).anon_huge);
  trace.Set("parent_private_after", ReadMapping(range).private_dirty);
  trace.Set("splits_after", Vmstat("thp_split_pmd") - after);
  trace.Set("pages_split", Vmstat("thp_split_page") - pages_split);
  trace.Set("allocated", Vmstat("thp_fault_alloc") - allocated);
}

Oracle Expect(const Params&, const Facts&) {
  // A table set aside for each huge page, and the directory above them.
  constexpr Bytes kTables = kSize / kHugePage * kPage + kPage;
  return AllOf(
      Survives(), Size("huge", Eq(kSize)), Size("base_size", Eq(0_B)),
      Count("splits_by_fork", Eq(0)),
      Difference("child_tables", "base_tables", Eq(kTables.count)),
      Size("child_huge", Eq(kSize)), Size("child_pss", Eq(kSize / 2)),
      Size("child_shared_dirty", Eq(kSize)), Count("read_faults", Eq(0)),
      Count("write_faults", Eq(1)),
      Size("child_huge_written", Eq(kSize - kHugePage)),
      Size("child_rss_written", Eq(kSize)), Size("child_private", Eq(kPage)),
      Count("splits_by_write", Eq(1)), Count("child_sees", Eq(1)),
      Size("parent_huge", Eq(kSize)), Size("parent_rss", Eq(kSize)),
      Size("parent_private", Eq(kPage)), Count("parent_sees", Eq(0)),
      Count("child_status", Eq(0)), Size("parent_huge_after", Eq(kSize)),
      Size("parent_private_after", Eq(kSize)), Count("splits_after", Eq(0)),
      Count("pages_split", Eq(0)), Count("allocated", Eq(0)));
}

const Register kThpSplit{
    {.id = "fork/thp_split",
     .summary = "fork shares huge pages whole; a write splits one mapping",
     .explains =
         {.claim = "Seed 1: THP and copy-on-write: since 5.8 a write copies "
                   "4 KiB and splits the one mapping",
          .deed = "writes 64 MiB of huge pages, forks; the child reads, writes "
                  "one byte, ends; the parent writes to all the others",
          .functions = "copy_huge_pmd, do_huge_pmd_wp_page, __split_huge_pmd",
          .look_at = "child_tables: what fork sets aside; splits_after: the "
                     "parent splits or copies what is its own again"},
     .needs = {.memory = 512_MiB,
               .alone = true,
               .settings = {{"/sys/kernel/mm/transparent_hugepage/enabled",
                             "madvise"},
                            {"/sys/kernel/mm/transparent_hugepage/"
                             "use_zero_page",
                             "1"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "fork_ns",
                  .better = Better::kLower,
                  .unit = "ns",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate
