// SPDX-License-Identifier: Apache-2.0
// mremap moves what is there, page by page or table by table: nothing is
// faulted in again, lost, doubled or left behind, whatever the alignment.
#include "cases/pages/tables.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

namespace oomgate::pages {
namespace {

// Across two directories' entries, from a few pages below a multiple.
constexpr std::int64_t kPages = 1027;
constexpr Bytes kSize = kPages * kPage;
constexpr std::int64_t kOut = 300;  // of them may be in swap
constexpr Bytes kOld = 2_MiB - 5 * kPage;
constexpr Bytes kShifted = 16_MiB + 7 * kPage;
constexpr Bytes kAligned = 32_MiB + 7 * kPage;  // as the one before
constexpr Bytes kFree = 48_MiB;
constexpr Bytes kArena = 64_MiB;

// Every third page is written, read, or untouched.
bool IsWritten(std::int64_t i) { return i % 3 == 0; }
bool IsRead(std::int64_t i) { return i % 3 == 1; }
Bytes Written(std::int64_t pages) { return (pages + 2) / 3 * kPage; }

struct Moves : Counted {
  Range arena = MapApart(trace, kArena, PROT_NONE);
  Range range = arena.Part(kOld, kSize);
  Range left = {};

  void Move(char* place, int flags = 0) {
    range = Remap(trace, range, kSize, MREMAP_MAYMOVE | MREMAP_FIXED | flags,
                  place);
  }
  bool IsAt(Bytes place) const {
    return range.start == arena.start + place.count;
  }
  // Pages with a number that is not their own; of the untouched ones, too.
  std::int64_t Wrong(std::int64_t from = 0, bool untouched = true) const {
    std::int64_t wrong = 0;
    for (std::int64_t i = from; i < kPages; ++i) {
      if (!untouched && !IsWritten(i) && !IsRead(i)) continue;
      const std::int64_t number = IsWritten(i) ? i + 1 : 0;
      wrong += *NumberAt(range, i * kPage) == number ? 0 : 1;
    }
    return wrong;
  }
  std::int64_t AllWrong() const { return Wrong(); }
};

void Fill(Moves& s) {
  Protect(s.trace, s.range, PROT_READ | PROT_WRITE);
  for (std::int64_t i = 0; i < kPages; ++i) {
    if (IsWritten(i)) *NumberAt(s.range, i * kPage) = i + 1;
    if (IsRead(i)) (void)*NumberAt(s.range, i * kPage);
  }
  if (s.p["swap"] == "0") return;
  PageOut(s.trace, s.range.Part(0_B, kOut * kPage), Written(kOut));
}

auto MoveTo(Bytes place) {
  return [=](Moves& s) { s.Move(s.arena.start + place.count); };
}

// All is at `offset` of the arena, and `places` were left.
Row<Moves> AllAt(Bytes offset, int places, Bytes swapped) {
  // A place that was left keeps the table at each of its ends: neighbours have
  // a part in it (free_pgtables).
  const Bytes tables = TablesFor(offset, kPages, kPage) + 2 * places * kPage;
  return Rows<Moves>{{"rss", Smaps("Rss"), Written(kPages) - swapped},
                     {"swap", Smaps("Swap"), swapped},
                     {"tables", &Moves::Tables, tables},
                     {[](Moves& s) {
                        const std::int64_t faults = Faults();
                        s.Set("wrong", s.Wrong(kOut, false));
                        s.Set("faults", Faults() - faults);
                      },
                      AllOf(Count("wrong", 0), Count("faults", 0))}};
}

// The old place is there, empty.
Row<Moves> LeftBehind() {
  constexpr std::int64_t kSome = 64;
  return Rows<Moves>{
      {"old rss", [](Moves& s) { return ReadMapping(s.left).rss; }, 0_B},
      {"old lo", [](Moves& s) { return MappingHasFlag(s.left, "lo"); }, 0},
      {[](Moves& s) {
         const std::int64_t faults = Faults();
         s.Set("old wrong", CountOther(s.left.Part(0_B, kSome * kPage), 0));
         s.Set("old faults", Faults() - faults);
       },
       AllOf(Count("old wrong", 0), Count("old faults", kSome))}};
}

Steps<Moves> Make(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  const Bytes swapped = swap ? Written(kOut) : 0_B;
  // 6.18 was seen to count what is left behind as locked still, which 6.12 and
  // 7.3 do not (vrm_stat_account, since 6.15).
  const bool counts_twice =
      f.kernel >= KernelVersion{6, 15} && f.kernel < KernelVersion{7, 3};
  const Bytes twice = counts_twice ? kSize : 0_B;
  const auto locked = [] { return StatusField("VmLck"); };
  return {
      {"write, read, skip pages in turn", Fill, {AllAt(kOld, 0, swapped)}},
      {"move to another alignment",
       MoveTo(kShifted),
       {AllAt(kShifted, 1, swapped)}},
      {"move to the same alignment",
       MoveTo(kAligned),
       {AllAt(kAligned, 2, swapped), {"all wrong", &Moves::AllWrong, 0}}},
      StepOf<Moves>("lock it", [](Moves& s) { return TryLock(s.range); },
                    {Change("locked", locked, kSize)})
          .LeftOut(swap ? "a page that is in swap, too, kept its place there "
                          "when written, up to 5.14 (f4c4a3f48480)"
                        : ""),
      {"move it, leave the old place mapped",
       [](Moves& s) {
         const Range target =
             MapAnonymous(s.trace, kSize,
                          {.prot = PROT_NONE, .pages = MapOptions::kDefault});
         s.left = s.range;
         s.Move(target.start, MREMAP_DONTUNMAP);
       },
       {Change("locked", locked, AnyOf(0_B, twice)),
        Change("rss", Smaps("Rss"), 0_B),
        {"lo", [](Moves& s) { return MappingHasFlag(s.range, "lo"); },
         swap ? 0 : 1},
        LeftBehind(),
        {"wrong", &Moves::AllWrong, 0}}},
      {"move it in front of a hole",
       [](Moves& s) {
         Unlock(s.trace, s.range);
         s.Move(s.arena.start + kFree.count);
         return TryUnmap(s.arena.Part(kFree + kSize, kSize));
       }},
      {"grow into the hole",
       [](Moves& s) { return TryRemap(s.range, 2 * kSize, 0); },
       {{"in place", [](Moves& s) { return s.IsAt(kFree); }, 1},
        {"wrong", &Moves::AllWrong, 0},
        {"new wrong",
         [](Moves& s) { return CountOther(s.range.Part(kSize, kSize), 0); },
         0}}},
      {"grow beyond it",
       [](Moves& s) { return TryRemap(s.range, 3 * kSize, MREMAP_MAYMOVE); },
       {{"in place", [](Moves& s) { return s.IsAt(kFree); }, 0},
        {"wrong", &Moves::AllWrong, 0},
        {"rss", Smaps("Rss"), swap ? Written(kPages) : kSize}}}};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.swap = p.Size("swap");
  instance.needs.alone = instance.needs.swap > 0_B;  // for its writeback
  if (p["swap"] == "0") instance.suite = Suite::kQuick;
}

const Register kMremapMoves{
    {.id = "pages/mremap_moves",
     .summary = "mremap moves pages, swap entries and tables; none is lost",
     .claim = "Seed 1: mremap; mremap(2): MREMAP_DONTUNMAP leaves the old "
              "place mapped, and gives its lock away",
     .functions = "move_page_tables, move_ptes, move_normal_pmd, move_vma, "
                  "vma_expandable",
     .adjust = Adjust,
     .params = {{"swap", {"0", "64m"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::pages
