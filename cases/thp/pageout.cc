// SPDX-License-Identifier: Apache-2.0
// MADV_PAGEOUT takes huge pages out as it takes small ones: all that is asked
// for, and of one in part no more than that; MADV_COLD only marks them.
#include "cases/thp/huge.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr int kHuge = 4;
constexpr Bytes kSize = kHuge * kHugePage;

struct Memory : Scene {
  Range pair = MapHuge(trace, 2 * kHugePage);
  Bytes tables = Tables();
  Range range = MapHuge(trace, kSize);

  Bytes Referenced() const { return MappingField(range, "Referenced"); }
  Bytes TablesLeft() const { return Tables() - tables; }
  std::int64_t OtherInPair() const { return CountMisnumbered(pair); }
};

std::int64_t HugeSwapped() {
  return Vmstat("thp_swpout") + Vmstat("thp_swpout_fallback");
}

void PageOutOnePage(Memory& m) {
  NumberPages(m.pair);
  PageOut(m.trace, m.pair.Part(5 * kPage, kPage));
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr auto kRange = &Memory::range;
  constexpr auto kPair = &Memory::pair;
  const auto referenced = [](Bytes size) {
    return Is("Referenced", &Memory::Referenced, size);
  };
  return {
      {"write", [](Memory& m) { NumberPages(m.range); }, Huge(kRange, kSize),
       referenced(kSize)},
      {"make cold", Advise(kRange, MADV_COLD), Huge(kRange, kSize),
       referenced(0_B), Change("tables", Tables, 0_B)},
      {"page out", [](Memory& m) { PageOut(m.trace, m.range); },
       Rss(kRange, 0_B), Swap(kRange, kSize), Event("pswpout", kSize / kPage),
       Change("huge pages swapped", HugeSwapped, kHuge),
       Event("thp_swpout", Between(0, kHuge)), Change("tables", Tables, 0_B)},
      {"read", [](Memory& m) { m.Set("other", CountMisnumbered(m.range)); },
       Count("other", 0), Rss(kRange, kSize)},
      {"unmap", [](Memory& m) { Unmap(m.trace, m.range); },
       Is("tables left", &Memory::TablesLeft, 0_B)},
      {"page out one small page", PageOutOnePage,
       Rss(kPair, 2 * kHugePage - kPage), Swap(kPair, kPage),
       Huge(kPair, kHugePage), Is("other", &Memory::OtherInPair, 0)},
  };
}

const Register kHugePageout{
    {.id = "thp/pageout",
     .summary = "MADV_PAGEOUT swaps out huge pages, and a part of one alone",
     .claim = "Seed 1: the list of madvise, and swap; madvise(2), MADV_COLD "
              "and MADV_PAGEOUT",
     .functions = "madvise_cold_or_pageout_pte_range, split_folio, "
                  "shrink_folio_list, swap_writepage",
     .look_at = "thp_swpout is how many went without a split, where the device "
                "has clusters",
     .needs = HugeGuest(64_MiB),
     .steps = Make}};

}  // namespace
}  // namespace oomgate
