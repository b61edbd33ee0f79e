// SPDX-License-Identifier: Apache-2.0
// MADV_FREE of a whole huge page keeps it whole, of a part of it splits it;
// both stay readable, and reclaim drops exactly what was freed.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4 * kHugePage;
constexpr Bytes kWhole = 2 * kHugePage;
constexpr Bytes kPart = kHugePage / 4;
constexpr Bytes kKept = kSize - kWhole - kPart;

struct Memory : Scene {
  Range range = MapHuge(trace, kSize);
  Range whole = range.Part(0_B, kWhole);
  Range part = range.Part(kWhole, kPart);
  Range kept = range.Part(kWhole + kPart, kKept);

  Bytes Lazy() const { return MappingField(range, "LazyFree"); }
};

auto Give(Range Memory::*what, int advice) {
  return [=](Memory& m) { return TryAdvise(m.*what, advice); };
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr auto kRange = &Memory::range;
  return {
      {"write", [](Memory& m) { WritePages(m.trace, m.range); },
       Huge(kRange, kSize)},
      {"free two huge pages", Give(&Memory::whole, MADV_FREE),
       Huge(kRange, kSize), Is("LazyFree", &Memory::Lazy, kWhole), Happened{}},
      // Some kernels queue it for the split that it is in already.
      {"free a quarter of one", Give(&Memory::part, MADV_FREE),
       Huge(kRange, kSize - kHugePage), Event("thp_split_pmd", 1),
       Event("thp_split_page", 1), Rss(kRange, kSize), Reads(kRange, 1)},
      {"reclaim", Give(kRange, MADV_PAGEOUT), Rss(kRange, kKept),
       Swap(kRange, 0_B), Reads(&Memory::whole, 0, "other whole"),
       Reads(&Memory::part, 0, "other part"),
       Reads(&Memory::kept, 1, "other kept")},
  };
}

const Register kFreeLazy{
    {.id = "thp/free_lazy",
     .summary = "MADV_FREE of a part splits a huge page, of all of it does not",
     .claim = "Seed 1: \"MADV_FREE: lazily\", with THP; madvise(2)",
     .functions =
         "madvise_free_huge_pmd, madvise_free_pte_range, split_huge_page",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("left_rss", "reclaim.rss")}}};

}  // namespace
}  // namespace oomgate
