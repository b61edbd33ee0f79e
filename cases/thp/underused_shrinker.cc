// SPDX-License-Identifier: Apache-2.0
// Since 6.12 shrinking splits huge pages that hold more zero-filled pages than
// max_ptes_none, and gives those pages back; up to 6.11 they stay.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr std::int64_t kSparse = 16;
constexpr std::int64_t kFull = 4;
constexpr std::int64_t kAlmost = 4;
constexpr std::int64_t kPages = kHugePage / kPage;
constexpr std::int64_t kLimit = 64;

struct Memory : Scene {
  Range sparse = MapHuge(trace, kSparse* kHugePage);  // a page each
  Range full = MapHuge(trace, kFull* kHugePage);
  Range almost = MapHuge(trace, kAlmost* kHugePage);  // all but a page each

  Bytes AllHuge() const {
    return ReadMapping(sparse).anon_huge + ReadMapping(full).anon_huge +
           ReadMapping(almost).anon_huge;
  }
  std::int64_t ZeroPages() const {
    return CountOther(sparse, 1) + CountOther(almost, 1);
  }
  std::int64_t Other() const {
    return CountOther(sparse, 1, kHugePage) + CountOther(full, 1);
  }
};

void Write(Memory& m) {
  WritePages(m.trace, m.sparse, kHugePage);
  WritePages(m.trace, m.full);
  for (std::int64_t i = 0; i < kAlmost; ++i) {
    WritePages(m.trace, m.almost.Part(i * kHugePage, kHugePage - kPage));
  }
}

void Shrink(Memory& m) { kVmKnobs.Set(m.trace, "drop_caches", 2); }

void UnmapAll(Memory& m) {
  Unmap(m.trace, m.sparse);
  Unmap(m.trace, m.full);
  Unmap(m.trace, m.almost);
}

// Shrinks with a limit of so many zero-filled pages: one huge page with 64 of
// them, and one with one more.
auto ShrinkWithLimit(int limit) {
  return [=](Memory& m) {
    kKhugepagedKnobs.Set(m.trace, "max_ptes_none", limit);
    const Range pair = MapHuge(m.trace, 2 * kHugePage);
    WritePages(m.trace, pair.Part(0_B, kHugePage - kLimit * kPage));
    WritePages(m.trace, pair.Part(kHugePage, kHugePage - (kLimit + 1) * kPage));
    Shrink(m);
    const MappingUsage usage = ReadMapping(pair);
    m.Set("rss", usage.rss);
    m.Set("split", (pair.size - usage.anon_huge) / kHugePage);
    Unmap(m.trace, pair);
  };
}

Steps<Memory> Make(const Params&, const Facts& f) {
  // dafff3f4c850 (6.12): mm: split underused THPs.
  const bool shrinks = f.kernel >= KernelVersion{6, 12};
  const std::int64_t split = shrinks ? kSparse + kAlmost : 0;
  const Bytes sparse = kSparse * kHugePage;
  const Bytes full = kFull * kHugePage;
  const Bytes almost = kAlmost * kHugePage;
  return {
      {"write", Write, Is("huge", &Memory::AllHuge, sparse + full + almost)},
      // max_ptes_none is 0 here: one zero-filled page is one too many. The
      // counter is -1 before and after where the kernel has none.
      StepOf<Memory>(
          "shrink", Shrink,
          Is(
              "has counter",
              [] { return Vmstat("thp_underused_split_page") >= 0; },
              shrinks ? 1 : 0),
          Event("thp_underused_split_page", split),
          Happened{.split_pmd = split, .split_page = split},
          Rss(&Memory::sparse, shrinks ? kSparse * kPage : sparse,
              "sparse rss"),
          Huge(&Memory::sparse, shrinks ? 0_B : sparse, "sparse huge"),
          Rss(&Memory::full, full, "full rss"),
          Huge(&Memory::full, full, "full huge"),
          Rss(&Memory::almost, shrinks ? almost - kAlmost * kPage : almost,
              "almost rss"),
          Huge(&Memory::almost, shrinks ? 0_B : almost, "almost huge"),
          Is("other", &Memory::Other, 0),
          Is("zero pages", &Memory::ZeroPages,
             kSparse * (kPages - 1) + kAlmost))
          .HoldsWithout(shrinks ? "" : "up to 6.11 shrinking changes nothing"),
      {"unmap", UnmapAll, Is("huge", &Memory::AllHuge, 0_B)},
      // The limit itself is not too many; 511 of them never are.
      {"shrink with a limit of 511", ShrinkWithLimit(511), Count("split", 0),
       Size("rss", 2 * kHugePage)},
      {"shrink with a limit of 64", ShrinkWithLimit(kLimit),
       Count("split", shrinks ? 1 : 0),
       Size("rss", 2 * kHugePage - (shrinks ? (kLimit + 1) * kPage : 0_B))},
  };
}

const Register kUnderusedShrinker{
    {.id = "thp/underused_shrinker",
     .summary =
         "shrinking takes back the zero-filled pages of huge ones (6.12)",
     .claim = "Seed 1: THP's waste of memory; admin-guide/mm/transhuge, "
              "\"shrink_underused\"",
     .functions =
         "deferred_split_scan, thp_underused, try_to_map_unused_to_zeropage",
     .look_at = "full huge: a full page must stay; sparse rss: a sparse one "
                "must fall to what was written",
     .needs = HugeGuest(),
     .steps = Make,
     .metrics = {Metric::Size("sparse_rss", "shrink.sparse rss")}}};

}  // namespace
}  // namespace oomgate
