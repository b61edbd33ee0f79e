// SPDX-License-Identifier: Apache-2.0
// Unmapping gives back every page table that holds nothing any more, and keeps
// every one that still does: after each step VmPTE is what the formula says.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

// 4 GiB with a touch in every 2 MiB: 2048 leaves, 4 directories, 1 above.
constexpr Bytes kSize = 4_GiB;
constexpr std::int64_t kLeaves = 512;  // of one GiB

struct Parts : Counted {
  Range range = MapApart(trace, kSize, PROT_READ);
  Range first = range.Part(0_B, 1_GiB);
  Range second = range.Part(1_GiB, 1_GiB);
};

Row<Parts> Left(std::int64_t leaves, std::int64_t directories) {
  const std::int64_t upper = leaves > 0 ? 1 : 0;
  return {"tables", &Parts::Tables, (leaves + directories + upper) * kPage};
}

Steps<Parts> Make(const Params&, const Facts&) {
  return {
      {"read a byte in every 2 MiB",
       [](Parts& s) { ReadPages(s.trace, s.range, kHugePage); },
       {Left(4 * kLeaves, 4)}},
      {"unmap the second GiB",
       [](Parts& s) { return TryUnmap(s.second); },
       {Left(3 * kLeaves, 3)}},
      {"unmap the third but for its last page",
       [](Parts& s) { return TryUnmap(s.range.Part(2_GiB, 1_GiB - kPage)); },
       {Left(2 * kLeaves + 1, 3)}},
      {"map over the fourth",
       [](Parts& s) {
         return TryMapOver(s.range.Part(3_GiB, 1_GiB), PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
       },
       {Left(kLeaves + 1, 2)}},
      {"shrink the first to half",
       [](Parts& s) { return TryRemap(s.first, 512_MiB, 0); },
       {Left(kLeaves / 2 + 1, 2)}},
      // Tables move with their pages: nothing to fault in again.
      {"move it to the second",
       [](Parts& s) {
         return TryRemap(s.first, s.first.size, MREMAP_MAYMOVE | MREMAP_FIXED,
                         s.second.start);
       },
       {Left(kLeaves / 2 + 1, 2),
        {"there", [](Parts& s) { return ReadMapping(s.second).mappings; }, 1}}},
      {"read it there",
       [](Parts& s) { ReadPages(s.trace, s.first, kHugePage); },
       {Change("faults", Faults, 0), Touches(kLeaves / 2),
        Left(kLeaves / 2 + 1, 2)}},
      {"unmap all", [](Parts& s) { Unmap(s.trace, s.range); }, {Left(0, 0)}}};
}

const Register kMunmapFrees{
    {.id = "pages/munmap_frees",
     .summary = "unmapping frees the tables that hold nothing, only those",
     .claim = "Seed 1: munmap gives memory back, for page tables too "
              "(page_tables.munmap_frees)",
     .functions =
         "free_pgtables, free_pgd_range, move_page_tables, mm_dec_nr_ptes",
     .look_at = "too few at once may mean use after free",
     .suite = Suite::kQuick,
     .steps = Make,
     .metrics = {Metric::Size("unmapped", "unmap all.tables")}}};

}  // namespace
}  // namespace oomgate::pages
