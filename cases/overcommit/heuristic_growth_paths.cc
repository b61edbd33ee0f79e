// SPDX-License-Identifier: Apache-2.0
// Mode 0 checks each call by itself, and of a call only what it adds: so much
// can be made writable or grown at once, and any number of times.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kMaps = 20;

struct Paths : Scene {
  // Nearly as much as an address space has in one piece.
  Range at = MapBare(trace, 80_TiB, PROT_READ, kPrivate);

  void MapManyTimes() {
    const Bytes most = (f.ram + f.swap) / kPage * 9 / 10 * kPage;
    Unmap(trace, at);
    for (int i = 0; i < kMaps; ++i) {
      const Range map = MapBare(trace, most + kPage, PROT_READ, kPrivate);
      trace.Add("writable", TryProtect(map.Part(0_B, most), kRw) == 0 ? 1 : 0);
    }
  }
};

auto Protects(Bytes from, Bytes size) {
  return [=](Paths& s) { return TryProtect(s.at.Part(from, size), kRw); };
}
auto Writable(Bytes size) {
  return [=](Paths& s) { return MappingHasFlag(s.at.Part(0_B, size), "wr"); };
}

Steps<Paths> Make(const Params&, const Facts& f) {
  const Bytes limit = (f.ram + f.swap) / kPage * kPage;
  const Bytes more = limit + kPage;
  const Oracle refused = Refused(ENOMEM);
  return {
      {"make more than the limit writable", Protects(0_B, more), refused},
      {"make as much as the limit writable", Protects(0_B, limit),
       Is("writable", Writable(limit), 1)},
      {"make as much again writable", Protects(limit, limit),
       Is("writable", Writable(2 * limit), 1)},
      // What is charged already is not asked for again.
      {"the same and as much behind it", Protects(0_B, 3 * limit),
       Is("writable", Writable(3 * limit), 1)},
      {"the same and more behind it", Protects(0_B, 3 * limit + more), refused},
      Asks<Paths>("grow by the limit", AsksToGrow(limit, 2 * limit)),
      {"grow by a page more", AsksToGrow(limit, limit + more), refused},
      Asks<Paths>("grow a page by the limit", AsksToGrow(kPage, limit + kPage)),
      {"grow a page by a page more", AsksToGrow(kPage, kPage + more), refused},
      Asks<Paths>("grow what is to read by more",
                  AsksToGrow(kPage, 3 * limit, PROT_READ)),
      Asks<Paths>("grow the heap by the limit",
                  [=] { return TryBrkAndBack(limit / kPage); }),
      {"grow the heap by a page more",
       [=] { return TryBrkAndBack(more / kPage); }, refused},
      {"map twenty times nearly all there is", &Paths::MapManyTimes,
       Count("writable", kMaps)},
      Asks<Paths>("fork with all that", TryFork)};
}

const Register kHeuristicGrowthPaths{
    {.id = "overcommit/heuristic_growth_paths",
     .summary = "mode 0: each call is checked by what it adds, never the sum",
     .claim = "overcommit.heuristic.growth_paths, .cumulative_unbounded; "
              "seed 2 on the heuristic; seed 0: overcommit has no sum",
     .functions = "mprotect_fixup, vma_to_resize, do_brk_flags, "
                  "__vm_enough_memory, dup_mmap",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With(kMode, "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
