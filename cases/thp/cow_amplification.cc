// SPDX-License-Identifier: Apache-2.0
// One byte written to a shared huge page copies one small page: since 5.8 the
// huge mapping is split, where older kernels copied all of its 2 MiB.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;

struct Memory : Scene {
  Range range = MapAnonymous(trace, kSize, {.pages = MapOptions::kHuge});
};

int WriteInChild(Memory& m) {
  return RunChild(m.trace, [&] {
    *static_cast<volatile char*>(m.range.start + kSize.count / 2) = 2;
    const MappingUsage mapped = ReadMapping(m.range);
    m.Set("copied", mapped.private_dirty);
    m.Set("huge in child", mapped.anon_huge);
  });
}

Steps<Memory> Make(const Params&, const Facts& f) {
  // 3917c80280c9 (5.8): wp_huge_pmd splits instead of copying.
  const bool splits = f.kernel >= KernelVersion{5, 8};
  return {
      {"write", [](Memory& m) { WritePages(m.trace, m.range, kHugePage); },
       Huge(&Memory::range, kSize)},
      {"write a byte in a child", WriteInChild,
       Event("thp_split_pmd", splits ? 1 : 0),
       Size("copied", splits ? kPage : kHugePage),
       Size("huge in child", splits ? kSize - kHugePage : kSize),
       // The parent lost nothing by its child's write.
       Huge(&Memory::range, kSize)},
  };
}

const Register kCowAmplification{
    {.id = "thp/cow_amplification",
     .summary = "a byte written to a shared huge page copies 4 KiB, not 2 MiB",
     .claim = "Seed 1: \"THP: write amplification on copy-on-write\": true up "
              "to 5.7 only",
     .functions = "do_huge_pmd_wp_page, __split_huge_pmd",
     .look_at = "huge below 64 MiB says that no huge pages were to be had: "
                "look at thp_fault_fallback",
     // Counts splits of the whole machine, and must find huge pages.
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("copied", "write a byte in a child.copied")}}};

}  // namespace
}  // namespace oomgate
