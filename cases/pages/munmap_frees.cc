// SPDX-License-Identifier: Apache-2.0
// Unmapping gives back every page table that holds nothing any more, and keeps
// every one that still does: after each step VmPTE is what the formula says.
#include <cerrno>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

// 4 GiB with a touch in every 2 MiB: 2048 leaves, 4 directories, 1 above.
constexpr Bytes kSize = 4_GiB;
constexpr std::int64_t kLeaves = 512;  // of one GiB

void UnmapPart(Trace& trace, const Range& part) {
  if (munmap(part.start, Length(part.size)) != 0) trace.Stop("munmap", errno);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();  // none of its own faults are counted
  const Range range = pages::MapApart(trace, kSize, PROT_READ);
  const Bytes before = ReadUsage().page_tables;
  const auto note = [&](const char* step) {
    trace.Set(step, ReadUsage().page_tables - before);
  };
  ReadPages(trace, range, kHugePage);
  note("mapped");
  UnmapPart(trace, range.Part(1_GiB, 1_GiB));
  note("middle_unmapped");
  // The last page of the third GiB stays.
  UnmapPart(trace, range.Part(2_GiB, 1_GiB - kPage));
  note("all_but_a_page");
  if (mmap(range.start + (3_GiB).count, Length(1_GiB), PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
           0) == MAP_FAILED) {
    trace.Stop("mmap over", errno);
  }
  note("mapped_over");
  if (mremap(range.start, Length(1_GiB), Length(512_MiB), 0) == MAP_FAILED) {
    trace.Stop("mremap to less", errno);
  }
  note("shrunk");
  // Tables move with their pages: nothing to fault in again.
  const Range moved = range.Part(1_GiB, 512_MiB);
  if (mremap(range.start, Length(512_MiB), Length(512_MiB),
             MREMAP_MAYMOVE | MREMAP_FIXED, moved.start) == MAP_FAILED) {
    trace.Stop("mremap elsewhere", errno);
  }
  note("moved");
  const std::int64_t faults = ReadUsage().minor_faults;
  ReadPages(trace, moved, kHugePage);
  trace.Set("faults_after_move", ReadUsage().minor_faults - faults);
  note("moved_and_read");
  Unmap(trace, range);
  note("unmapped");
}

Oracle Expect(const Params&, const Facts&) {
  const auto tables = [](const char* step, std::int64_t leaves,
                         std::int64_t directories) {
    const std::int64_t upper = leaves > 0 ? 1 : 0;
    return Size(step, Eq((leaves + directories + upper) * kPage));
  };
  return AllOf(Survives(), tables("mapped", 4 * kLeaves, 4),
               tables("middle_unmapped", 3 * kLeaves, 3),
               tables("all_but_a_page", 2 * kLeaves + 1, 3),
               tables("mapped_over", kLeaves + 1, 2),
               tables("shrunk", kLeaves / 2 + 1, 2),
               tables("moved", kLeaves / 2 + 1, 2),
               tables("moved_and_read", kLeaves / 2 + 1, 2),
               Count("faults_after_move", Eq(0)), tables("unmapped", 0, 0));
}

const Register kMunmapFrees{
    {.id = "pages/munmap_frees",
     .summary = "unmapping frees the tables that hold nothing, only those",
     .explains = {.claim = "Seed 1: munmap gives memory back, for page tables "
                           "too (page_tables.munmap_frees)",
                  .deed = "fills 4 GiB with sparse reads, then unmaps, maps "
                          "over, shrinks and moves parts of it",
                  .functions = "free_pgtables, free_pgd_range, "
                               "move_page_tables, mm_dec_nr_ptes",
                  .look_at = "the first step whose value is off; too few at "
                             "once may mean use after free"},
     .suite = Suite::kQuick,
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "unmapped", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
