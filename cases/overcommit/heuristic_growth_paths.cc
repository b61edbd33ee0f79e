// SPDX-License-Identifier: Apache-2.0
// Mode 0 checks each call by itself, and of a call only what it adds: so much
// can be made writable or grown at once, and any number of times.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr Bytes kLargest = 80_TiB;  // of what an address space has in one piece
constexpr int kMaps = 20;

struct Paths : Scene {
  Range at = MapBare(trace, kLargest, PROT_READ, kPrivate);
  Range maps[kMaps] = {};

  // Twenty times nearly all there is.
  void MapManyTimes(Bytes most) {
    std::int64_t writable = 0;
    for (Range& map : maps) {
      map = MapBare(trace, most + kPage, PROT_READ, kPrivate);
      if (TryProtect(map.Part(0_B, most), kRw) == 0) ++writable;
    }
    Set("writable", writable);
  }
};

auto Protects(Bytes from, Bytes size) {
  return [=](Paths& s) { return TryProtect(s.at.Part(from, size), kRw); };
}
// Grows a mapping made for it; it is gone afterwards.
auto Grows(Bytes from, Bytes to, int prot = kRw) {
  return [=](Paths& s) {
    Range at = MapBare(s.trace, from, prot, kPrivate);
    const int error = TryRemap(at, to, MREMAP_MAYMOVE);
    Unmap(s.trace, at);
    return error;
  };
}
auto GrowsHeap(Bytes size) {
  return [=] { return TryBrkAndBack(size / kPage); };
}

Steps<Paths> Make(const Params&, const Facts& f) {
  const Bytes limit = (f.ram + f.swap) / kPage * kPage;
  const auto writable = [](Bytes size) {
    return Is(
        "writable",
        [=](Paths& s) { return MappingHasFlag(s.at.Part(0_B, size), "wr"); },
        1);
  };
  const Bytes most = limit / kPage * 9 / 10 * kPage;
  return {
      {"make more than the limit writable", Protects(0_B, limit + kPage),
       Refused(ENOMEM)},
      {"make as much as the limit writable", Protects(0_B, limit),
       writable(limit)},
      {"make as much again writable", Protects(limit, limit),
       writable(2 * limit)},
      // What is charged already is not asked for again.
      {"the same and as much behind it", Protects(0_B, 3 * limit),
       writable(3 * limit)},
      {"the same and more behind it", Protects(0_B, 4 * limit + kPage),
       Refused(ENOMEM)},

      Asks<Paths>("grow by the limit", Grows(limit, 2 * limit)),
      {"grow by a page more", Grows(limit, 2 * limit + kPage), Refused(ENOMEM)},
      Asks<Paths>("grow a page by the limit", Grows(kPage, limit + kPage)),
      {"grow a page by a page more", Grows(kPage, limit + 2 * kPage),
       Refused(ENOMEM)},
      Asks<Paths>("grow what is to read by more",
                  Grows(kPage, 3 * limit, PROT_READ)),
      Asks<Paths>("grow the heap by the limit", GrowsHeap(limit)),
      {"grow the heap by a page more", GrowsHeap(limit + kPage),
       Refused(ENOMEM)},

      {"map twenty times nearly all there is",
       [=](Paths& s) {
         Unmap(s.trace, s.at);
         s.MapManyTimes(most);
       },
       Count("writable", kMaps)},
      Asks<Paths>("fork with all that", TryFork),
  };
}

const Register kHeuristicGrowthPaths{
    {.id = "overcommit/heuristic_growth_paths",
     .summary = "mode 0: each call is checked by what it adds, never the sum",
     .claim = "overcommit.heuristic.growth_paths, .cumulative_unbounded; seed "
              "2 on the heuristic; seed 0: overcommit has no sum",
     .functions = "mprotect_fixup, vma_to_resize, do_brk_flags, "
                  "__vm_enough_memory, dup_mmap",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With(kMode, "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
