// SPDX-License-Identifier: Apache-2.0
// One byte written to the huge zero page: up to 6.12 it is split and costs
// 4 KiB, since 6.13 it costs a whole huge page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kWhere = 5 * kHugePage;

struct Memory : Scene {
  Range range = MapHuge(trace, 16_MiB);
};

auto WriteAt(Bytes where) {
  return [=](Memory& m) {
    volatile char* const at = m.range.start + where.count;
    m.Set("faults", FaultsOf([&] { *at = 1; }));
  };
}

Steps<Memory> Make(const Params&, const Facts& f) {
  constexpr auto kRange = &Memory::range;
  // 3917c80280c9 (5.8): split instead of allocating; 4f6192d7a3b5 (6.13)
  // allocates again.
  const bool splits =
      f.kernel >= KernelVersion{5, 8} && f.kernel < KernelVersion{6, 13};
  const Bytes cost = splits ? kPage : kHugePage;
  const Bytes both = splits ? 2 * kPage : kHugePage;
  return {
      {"read", [](Memory& m) { m.Set("other", CountOther(m.range, 0)); },
       Count("other", 0), Rss(kRange, 0_B)},
      // One fault may be the stack's.
      {"write a byte", WriteAt(kWhere), Count("faults", Between(1, 2)),
       Change("tables", Tables, 0_B),
       Happened{.alloc = splits ? 0 : 1, .split_pmd = splits ? 1 : 0},
       Rss(kRange, cost), Huge(kRange, splits ? 0_B : kHugePage),
       Is(
           "dirty",
           [](Memory& m) { return ReadMapping(m.range).private_dirty; }, cost),
       Mappings(kRange, 1)},
      {"write to the next page", WriteAt(kWhere + kPage),
       Count("faults", splits ? Between(1, 2) : Between(0, 1)),
       Rss(kRange, both), Happened{}},
      {"read again", [](Memory& m) { m.Set("other", CountOther(m.range, 0)); },
       Count("other", 2), Rss(kRange, both)},
      {"give up", [](Memory& m) { return TryAdvise(m.range, MADV_DONTNEED); },
       Rss(kRange, 0_B)},
  };
}

const Register kZeroHugeWrite{
    {.id = "thp/zero_huge_write",
     .summary = "the first write to the huge zero page: 4 KiB up to 6.12, then "
                "2 MiB",
     .claim = "Seed 1: memory amplification by THP, on the first write to what "
              "was only read",
     .functions =
         "do_huge_pmd_wp_page, do_huge_zero_wp_pmd, __split_huge_zero_page_pmd",
     .look_at = "rss is what one byte cost",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("rss", "write a byte.rss")}}};

}  // namespace
}  // namespace oomgate
