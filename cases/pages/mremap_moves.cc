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
constexpr std::int64_t kSome = 64;  // pages of a place that was left

// Every third page is written, read, or untouched.
bool IsWritten(std::int64_t i) { return i % 3 == 0; }
bool IsRead(std::int64_t i) { return i % 3 == 1; }
Bytes Written(std::int64_t pages) { return (pages + 2) / 3 * kPage; }

struct Moves : Counted {
  Range arena = MapApart(trace, 64_MiB, PROT_NONE);
  Range range = arena.Part(kOld, kSize);
  Range left = {};  // the place that it moved from

  void Move(char* place, int flags = 0) {
    range = Remap(trace, range, kSize, MREMAP_MAYMOVE | MREMAP_FIXED | flags,
                  place);
  }
  bool BeforeHole() const { return range.start == arena.start + kFree.count; }
  bool Locked() const { return MappingHasFlag(range, "lo"); }
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
  std::int64_t NewWrong() const {
    return CountOther(range.Part(kSize, kSize), 0);
  }
  Bytes LeftRss() const { return ReadMapping(left).rss; }
  bool LeftLocked() const { return MappingHasFlag(left, "lo"); }
  std::int64_t LeftWrong() const {
    const std::int64_t faults = Faults();
    const std::int64_t wrong = CountOther(left.Part(0_B, kSome * kPage), 0);
    Set("old faults", Faults() - faults);
    return wrong;
  }
  void MoveAndLeave() {
    const Range target = MapAnonymous(
        trace, kSize, {.prot = PROT_NONE, .pages = MapOptions::kDefault});
    left = range;
    Move(target.start, MREMAP_DONTUNMAP);
  }
  int MoveBeforeHole() {
    Unlock(trace, range);
    Move(arena.start + kFree.count);
    return TryUnmap(arena.Part(kFree + kSize, kSize));
  }
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

Steps<Moves> Make(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  const Bytes swapped = swap ? Written(kOut) : 0_B;
  // 6.18 was seen to count what is left behind as locked still, which 6.12 and
  // 7.3 do not (vrm_stat_account, since 6.15).
  const bool counts_twice =
      f.kernel >= KernelVersion{6, 15} && f.kernel < KernelVersion{7, 3};
  const Bytes twice = counts_twice ? kSize : 0_B;
  const auto wrong = Is("wrong", &Moves::AllWrong, 0);
  const auto locked = [] { return StatusField("VmLck"); };
  return {
      {"write, read, skip pages in turn", Fill, AllAt(kOld, 0, swapped)},
      {"move to another alignment", MoveTo(kShifted),
       AllAt(kShifted, 1, swapped)},
      {"move to the same alignment", MoveTo(kAligned),
       AllAt(kAligned, 2, swapped), Is("all wrong", &Moves::AllWrong, 0)},
      StepOf<Moves>(
          "lock it", [](Moves& s) { return TryLock(s.range); },
          Change("locked", locked, kSize))
          .LeftOut(swap ? "a page that is in swap, too, kept its place there "
                          "when written, up to 5.14 (f4c4a3f48480)"
                        : ""),
      {"move it, leave the old place mapped", &Moves::MoveAndLeave,
       Change("locked", locked, AnyOf(0_B, twice)),
       Change("rss", Smaps("Rss"), 0_B), Is("lo", &Moves::Locked, swap ? 0 : 1),
       // The old place is there, empty.
       Is("old rss", &Moves::LeftRss, 0_B), Is("old lo", &Moves::LeftLocked, 0),
       Is("old wrong", &Moves::LeftWrong, 0), Count("old faults", kSome),
       wrong},
      {"move it in front of a hole", &Moves::MoveBeforeHole},
      {"grow into the hole",
       [](Moves& s) { return TryRemap(s.range, 2 * kSize, 0); },
       Is("in place", &Moves::BeforeHole, 1), wrong,
       Is("new wrong", &Moves::NewWrong, 0)},
      {"grow beyond it",
       [](Moves& s) { return TryRemap(s.range, 3 * kSize, MREMAP_MAYMOVE); },
       Is("in place", &Moves::BeforeHole, 0), wrong,
       Is("rss", Smaps("Rss"), swap ? Written(kPages) : kSize)}};
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
