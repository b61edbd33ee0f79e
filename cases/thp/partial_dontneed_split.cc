// SPDX-License-Identifier: Apache-2.0
// A part of a huge page that is given up leaves the Rss at once, and comes back
// to the machine only when something splits the huge page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kHuge = 16;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr Bytes kHalf = kHugePage / 2;

// Free memory, wherever the allocator keeps it.
Bytes MachineFree() {
  const Bytes free = MachineHas("MemFree");
  return free + PerCpuPages();
}
void Shrink(Scene& s) { kVmKnobs.Set(s.trace, "drop_caches", 2); }

struct Memory : Scene {
  Range range = MapHuge(trace, kSize);
  Range page = range.Part(0_B, kPage);
  Bytes anonymous = {}, tables = {}, free = {};  // when all is written

  Bytes Anonymous() const { return MachineHas("AnonPages") - anonymous; }
  Bytes NewTables() const { return Tables() - tables; }
  Bytes Free() const { return MachineFree() - free; }
  Range Half(int i) const { return range.Part(i * kHalf, kHalf); }
  void GiveUpHalf() const {
    for (int i = 0; i < kHuge; ++i) Advise(trace, Half(2 * i), MADV_DONTNEED);
  }
  std::int64_t Other() const {
    std::int64_t other = 0;
    for (int i = 0; i < 2 * kHuge; ++i) other += CountOther(Half(i), i % 2);
    return other;
  }
};

void Write(Memory& m) {
  // What the caches hold now is not to come back with the split.
  Shrink(m);
  WritePages(m.trace, m.range);
  m.anonymous = MachineHas("AnonPages");
  m.tables = Tables();
  m.free = MachineFree();
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr auto kRange = &Memory::range;
  const auto free = [](Bytes size) {  // slab is freed, and other memory taken
    return Is("free", &Memory::Free, Between(size - 2_MiB, size + 2_MiB));
  };
  return {{"write", Write, Rss(kRange, kSize), Huge(kRange, kSize)},
          {"give up a page", Advise(&Memory::page, MADV_DONTNEED),
           Happened{.split_pmd = 1, .deferred = 1}, Rss(kRange, kSize - kPage),
           Huge(kRange, kSize - kHugePage)},
          {"give up half of each", &Memory::GiveUpHalf,
           Happened{.split_pmd = kHuge - 1, .deferred = kHuge - 1},
           Rss(kRange, kSize / 2), Huge(kRange, 0_B), Mappings(kRange, 1),
           Is("tables", &Memory::NewTables, 0_B),
           // A page or two of the subject's stack may be new.
           Is("AnonPages", &Memory::Anonymous,
              Between(0_B - kSize / 2, 2 * kPage - kSize / 2)),
           free(0_B)},
          {"shrink the caches", Shrink, Happened{.split_page = kHuge},
           free(kSize / 2), Rss(kRange, kSize / 2),
           Is("other", &Memory::Other, 0)}};
}

const Register kPartialDontneedSplit{
    {.id = "thp/partial_dontneed_split",
     .summary = "half a huge page given up is free only once it is split",
     .claim = "Seed 1: \"MADV_DONTNEED frees at once\" is so of the Rss only",
     .functions = "__split_huge_pmd, deferred_split_folio, deferred_split_scan",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("rss_half", "give up half of each.rss")}}};

}  // namespace
}  // namespace oomgate
