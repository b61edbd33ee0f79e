// SPDX-License-Identifier: Apache-2.0
// mremap moves what is there, page by page or table by table: nothing is
// faulted in again, lost, doubled or left behind, whatever the alignment.

#include <cerrno>

#include "cases/pages/tables.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

namespace oomgate {
namespace {

// Across two directories' entries, from a few pages below a multiple.
constexpr std::int64_t kPages = 1027;
constexpr Bytes kSize = kPages * kPage;
constexpr std::int64_t kOut = 300;  // of them may be in swap
constexpr Bytes kOld = 2_MiB - 5 * kPage;
constexpr Bytes kShifted = 16_MiB + 7 * kPage;
constexpr Bytes kAligned = 32_MiB + 7 * kPage;  // as the one before
constexpr Bytes kArena = 64_MiB;

// Every third page is written, read, or untouched.
bool IsWritten(std::int64_t i) { return i % 3 == 0; }
bool IsRead(std::int64_t i) { return i % 3 == 1; }
std::int64_t Written(std::int64_t from, std::int64_t to) {
  std::int64_t written = 0;
  for (std::int64_t i = from; i < to; ++i) written += IsWritten(i) ? 1 : 0;
  return written;
}

void Fill(const Range& range) {
  for (std::int64_t i = 0; i < kPages; ++i) {
    if (IsWritten(i)) *NumberAt(range, i * kPage) = i + 1;
    if (IsRead(i)) (void)*NumberAt(range, i * kPage);
  }
}

// Pages with a number that is not their own; of the untouched ones, too.
std::int64_t CountWrong(const Range& range, std::int64_t from, bool untouched) {
  std::int64_t wrong = 0;
  for (std::int64_t i = from; i < kPages; ++i) {
    if (!untouched && !IsWritten(i) && !IsRead(i)) continue;
    wrong += *NumberAt(range, i * kPage) == (IsWritten(i) ? i + 1 : 0) ? 0 : 1;
  }
  return wrong;
}

char* Remap(Trace& trace, const Range& range, int flags, char* target) {
  void* const at = mremap(range.start, Length(range.size), Length(range.size),
                          MREMAP_MAYMOVE | MREMAP_FIXED | flags, target);
  if (at == MAP_FAILED) trace.Stop("mremap", errno);
  return static_cast<char*>(at);
}

void Report(Trace& trace, const Range& range, Bytes tables,
            const char* (&&names)[5]) {
  const MappingUsage usage = ReadMapping(range);
  trace.Set(names[0], usage.rss);
  trace.Set(names[1], usage.swap);
  trace.Set(names[2], ReadUsage().page_tables - tables);
  const std::int64_t faults = ReadUsage().minor_faults;
  trace.Set(names[3], CountWrong(range, kOut, false));
  trace.Set(names[4], ReadUsage().minor_faults - faults);
}

// The old place stays, empty and no longer locked. What is also in swap is not
// locked: writing to it kept its place there in use, up to f4c4a3f48480 (5.14).
void LeaveBehind(Trace& trace, Range& range, bool lock) {
  const Range part = range.Part(0_B, 64 * kPage);
  if (lock && mlock(range.start, Length(kSize)) != 0) {
    trace.Stop("mlock", errno);
  }
  const Bytes locked = StatusField("VmLck");
  const Bytes before = ReadMapping(range).rss;
  const Range target = MapAnonymous(
      trace, kSize, {.prot = PROT_NONE, .pages = MapOptions::kDefault});
  const Range left = range;
  range.start = Remap(trace, range, MREMAP_DONTUNMAP, target.start);
  trace.Set("behind.locked", StatusField("VmLck") - locked);
  trace.Set("behind.rss", ReadMapping(range).rss - before);
  trace.Set("behind.lo", MappingHasFlag(range, "lo"));
  trace.Set("behind.old_rss", ReadMapping(left).rss);
  trace.Set("behind.old_lo", MappingHasFlag(left, "lo"));
  const std::int64_t faults = ReadUsage().minor_faults;
  trace.Set("behind.old_wrong", CountOther(part, 0));
  trace.Set("behind.old_faults", ReadUsage().minor_faults - faults);
  trace.Set("behind.wrong", CountWrong(range, 0, true));
  munlock(range.start, Length(kSize));
}

// Grown where it is, and then beyond what is free there.
void Grow(Trace& trace, const Range& arena, Range range) {
  char* const place = arena.start + (48_MiB).count;
  range.start = Remap(trace, range, 0, place);
  munmap(place + kSize.count, Length(kSize));
  void* at = mremap(place, Length(kSize), Length(2 * kSize), 0);
  trace.Set("grown.in_place", at == place);
  trace.Set("grown.wrong", CountWrong(range, 0, true));
  trace.Set("grown.new_wrong",
            CountOther({.start = place + kSize.count, .size = kSize}, 0));
  at = mremap(place, Length(2 * kSize), Length(3 * kSize), MREMAP_MAYMOVE);
  if (at == MAP_FAILED) trace.Stop("mremap to more", errno);
  trace.Set("grown.moved", at != place);
  range.start = static_cast<char*>(at);
  trace.Set("grown.moved_wrong", CountWrong(range, 0, true));
  trace.Set("grown.rss", ReadMapping(range).rss);
  munmap(at, Length(3 * kSize));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();
  const Range arena = pages::MapApart(trace, kArena, PROT_NONE);
  Range range{.start = arena.start + kOld.count, .size = kSize};
  if (mprotect(range.start, Length(kSize), PROT_READ | PROT_WRITE) != 0) {
    trace.Stop("mprotect", errno);
  }
  const Bytes tables = ReadUsage().page_tables;
  Fill(range);
  if (p["swap"] != "0") {
    PageOut(trace, range.Part(0_B, kOut * kPage), Written(0, kOut) * kPage);
  }
  Report(trace, range, tables,
         {"old.rss", "old.swap", "old.tables", "old.wrong", "old.faults"});
  range.start = Remap(trace, range, 0, arena.start + kShifted.count);
  Report(trace, range, tables,
         {"shifted.rss", "shifted.swap", "shifted.tables", "shifted.wrong",
          "shifted.faults"});
  range.start = Remap(trace, range, 0, arena.start + kAligned.count);
  Report(trace, range, tables,
         {"aligned.rss", "aligned.swap", "aligned.tables", "aligned.wrong",
          "aligned.faults"});
  trace.Set("all_wrong", CountWrong(range, 0, true));
  LeaveBehind(trace, range, p["swap"] == "0");
  Grow(trace, arena, range);
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool swap = p["swap"] != "0";
  const std::int64_t out = swap ? Written(0, kOut) : 0;
  const Bytes all = Written(0, kPages) * kPage;
  // A place that was left keeps the table at each of its ends: neighbours have
  // a part in it (free_pgtables).
  const auto at = [&](const std::string& step, Bytes offset, int left) {
    return AllOf(
        Size(step + ".rss", Eq(all - out * kPage)),
        Size(step + ".swap", Eq(out * kPage)),
        Size(step + ".tables",
             Eq(pages::TablesFor(offset, kPages, kPage) + 2 * left * kPage)),
        Count(step + ".wrong", Eq(0)), Count(step + ".faults", Eq(0)));
  };
  // 6.18 was seen to count what is left behind as locked still, which 6.12 and
  // 7.3 do not (vrm_stat_account, since 6.15).
  const bool counts_twice =
      f.kernel >= KernelVersion{6, 15} && f.kernel < KernelVersion{7, 3};
  const Bytes twice = counts_twice ? kSize : 0_B;
  return AllOf(
      Survives(), at("old", kOld, 0), at("shifted", kShifted, 1),
      at("aligned", kAligned, 2), Count("all_wrong", Eq(0)),
      AllOf(Size("behind.locked", AnyOf(0_B, twice)),
            Size("behind.rss", Eq(0_B)), Count("behind.lo", Eq(swap ? 0 : 1)),
            Size("behind.old_rss", Eq(0_B)), Count("behind.old_lo", Eq(0)),
            Count("behind.old_wrong", Eq(0)),
            Count("behind.old_faults", Eq(64)), Count("behind.wrong", Eq(0))),
      AllOf(Count("grown.in_place", Eq(1)), Count("grown.wrong", Eq(0)),
            Count("grown.new_wrong", Eq(0)), Count("grown.moved", Eq(1)),
            Count("grown.moved_wrong", Eq(0)),
            Size("grown.rss", Eq(swap ? all : kSize))));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.swap = p.Size("swap");
  instance.needs.alone = instance.needs.swap > 0_B;  // for its writeback
  if (p["swap"] == "0") instance.suite = Suite::kQuick;
}

const Register kMremapMoves{
    {.id = "pages/mremap_moves",
     .summary = "mremap moves pages, swap entries and tables; none is lost",
     .explains =
         {.claim = "Seed 1: mremap; mremap(2): MREMAP_DONTUNMAP leaves the old "
                   "place mapped, and gives its lock away",
          .deed =
              "moves 4 MiB of written, read, untouched and swapped pages to "
              "another alignment and to the same, leaves the old mapping "
              "behind, grows it",
          .functions = "move_page_tables, move_ptes, move_normal_pmd, "
                       "move_vma, vma_expandable",
          .look_at = "the step whose pages are wrong or faulted in again; "
                     "tables by the formula; behind.old_… is the old place"},
     .adjust = Adjust,
     .params = {{"swap", {"0", "64m"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
