// SPDX-License-Identifier: Apache-2.0
// A part of a huge page that is given up leaves the Rss at once, and comes back
// to the machine only when something splits the huge page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kHuge = 16;
constexpr Bytes kSize = kHuge * kHugePage;
constexpr Bytes kHalf = kHugePage / 2;
constexpr Bytes kGivenUp = kHuge * kHalf;
// Slab that the shrinking frees, and what the kernel takes meanwhile.
constexpr Bytes kKernel = 2_MiB;

// Free memory, wherever the allocator keeps it.
Bytes MachineFree() {
  RefreshVmstat();
  return Meminfo("MemFree") + PerCpuPages();
}
Bytes AnonPages() {
  RefreshVmstat();
  return Meminfo("AnonPages");
}
void Shrink(Scene& s) { kVmKnobs.Set(s.trace, "drop_caches", 2); }

struct Memory : Scene {
  Range range = MapHuge(trace, kSize);
  // When all is written.
  Bytes anonymous = {};
  Bytes tables = {};
  Bytes free = {};

  Bytes Free() const { return MachineFree() - free; }
  std::int64_t Other() const {
    std::int64_t other = 0;
    for (Bytes at; at < kSize; at += kHugePage) {
      other += CountOther(range.Part(at, kHalf), 0);
      other += CountOther(range.Part(at + kHalf, kHalf), 1);
    }
    return other;
  }
};

void Write(Memory& m) {
  // What the caches hold now is not to come back with the split.
  Shrink(m);
  WritePages(m.trace, m.range);
  m.anonymous = AnonPages();
  m.tables = Tables();
  m.free = MachineFree();
}

int GiveUpOne(Memory& m) {
  return TryAdvise(m.range.Part(0_B, kPage), MADV_DONTNEED);
}

void GiveUpHalf(Memory& m) {
  for (Bytes at; at < kSize; at += kHugePage) {
    Advise(m.trace, m.range.Part(at, kHalf), MADV_DONTNEED);
  }
}

Steps<Memory> Make(const Params&, const Facts&) {
  constexpr auto kRange = &Memory::range;
  const auto free = [](Bytes size) {
    return Is("free", &Memory::Free, Between(size - kKernel, size + kKernel));
  };
  return {
      {"write", Write, Rss(kRange, kSize), Huge(kRange, kSize)},
      {"give up a page", GiveUpOne, Happened{.split_pmd = 1, .deferred = 1},
       Rss(kRange, kSize - kPage), Huge(kRange, kSize - kHugePage)},
      {"give up half of each", GiveUpHalf,
       Happened{.split_pmd = kHuge - 1, .deferred = kHuge - 1},
       Rss(kRange, kSize - kGivenUp), Huge(kRange, 0_B), Mappings(kRange, 1),
       Is(
           "tables", [](Memory& m) { return Tables() - m.tables; }, 0_B),
       // A page or two of the subject's stack may be new.
       Is(
           "AnonPages", [](Memory& m) { return AnonPages() - m.anonymous; },
           Between(0_B - kGivenUp, 2 * kPage - kGivenUp)),
       free(0_B)},
      {"shrink the caches", Shrink, Happened{.split_page = kHuge},
       free(kGivenUp), Rss(kRange, kSize - kGivenUp),
       Is("other", &Memory::Other, 0)},
  };
}

const Register kPartialDontneedSplit{
    {.id = "thp/partial_dontneed_split",
     .summary = "half a huge page given up is free only once it is split",
     .claim = "Seed 1: \"MADV_DONTNEED frees at once\" holds for the Rss; of a "
              "huge page, not for the machine",
     .functions = "__split_huge_pmd, deferred_split_folio, "
                  "deferred_split_scan, split_huge_page",
     .look_at = "free: what was given up, once the caches are shrunk; "
                "thp_deferred_split_page whether it was queued",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("rss_half", "give up half of each.rss")}}};

}  // namespace
}  // namespace oomgate
