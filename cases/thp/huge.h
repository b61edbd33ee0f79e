// SPDX-License-Identifier: Apache-2.0
// What cases about transparent huge pages share: a machine that gives them on
// advice only, rows about them, and the kernel's count of what became of them.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// Huge pages where they are asked for, and a khugepaged that changes nothing:
// it may collapse only what is small and complete.
inline std::vector<Setting> HugeOnAdvice() {
  return {kThpKnobs.With("defrag", "madvise"),
          kThpKnobs.With("enabled", "madvise"),
          kKhugepagedKnobs.With("max_ptes_none", "0"),
          kKhugepagedKnobs.With("scan_sleep_millisecs", "600000"),
          kThpKnobs.With("use_zero_page", "1")};
}

// A guest that has them: with less RAM there may be none to be had.
inline Needs HugeGuest(Bytes swap = {}) {
  return {.memory = 512_MiB,
          .swap = swap,
          .alone = true,
          .settings = HugeOnAdvice()};
}

// Asked for huge pages, and at the start of a page directory of its own.
inline Range MapHuge(Trace& trace, Bytes size) {
  return MapAnonymous(trace, size,
                      {.align = 1_GiB, .pages = MapOptions::kHuge});
}

// Sets "rss": what one written byte brings.
inline void WriteAByte(const Scene& s, MapOptions::Pages pages) {
  const Range range =
      MapAnonymous(s.trace, kHugePage, {.align = 1_GiB, .pages = pages});
  WritePages(s.trace, range, kHugePage);
  s.Set("rss", ReadMapping(range).rss);
  Unmap(s.trace, range);
}

// An act: madvise(2) of a range of the scene.
template <typename S>
auto Advise(Range S::*range, int advice) {
  return [=](S& s) { return TryAdvise(s.*range, advice); };
}

inline Bytes Tables() { return ReadUsage().page_tables; }

// What a file takes of memory.
inline Bytes BlocksOf(int file) {
  struct stat of = {};
  fstat(file, &of);
  return of.st_blocks * 512_B;
}

// khugepaged collapses only what is complete, and does not rest.
inline void ScanWithoutPause(Trace& trace) {
  kKhugepagedKnobs.Set(trace, "max_ptes_none", 0);
  kKhugepagedKnobs.Set(trace, "pages_to_scan", 65536);
  kKhugepagedKnobs.Set(trace, "alloc_sleep_millisecs", 0);
  kKhugepagedKnobs.Set(trace, "scan_sleep_millisecs", 1);
}

// A field of /proc/meminfo, to the page.
inline Bytes MachineHas(const char* field) {
  RefreshVmstat();
  return Meminfo(field);
}

// How many faults it takes. For acts: a row would count those of the readings
// around the act as well.
template <typename Deed>
std::int64_t FaultsOf(Deed deed) {
  const std::int64_t before = ReadUsage().minor_faults;
  deed();
  return ReadUsage().minor_faults - before;
}

// Rows about a range of the scene: its Rss, what of it is huge, and that it
// reads as it should ("other": bytes that do not).
template <typename S>
Row<S> Rss(Range S::*range, testing::Matcher<Bytes> size,
           const char* name = "rss") {
  return {name, [=](S& s) { return ReadMapping(s.*range).rss; }, size};
}
template <typename S>
Row<S> Huge(Range S::*range, testing::Matcher<Bytes> size,
            const char* name = "huge") {
  return {name, [=](S& s) { return ReadMapping(s.*range).anon_huge; }, size};
}
template <typename S>
Row<S> Swap(Range S::*range, testing::Matcher<Bytes> size) {
  return {"swap", [=](S& s) { return ReadMapping(s.*range).swap; }, size};
}
template <typename S>
Row<S> Mappings(Range S::*range, int mappings) {
  return {"mappings", [=](S& s) { return ReadMapping(s.*range).mappings; },
          mappings};
}
template <typename S>
Row<S> Reads(Range S::*range, char expected, const char* name = "other") {
  return {name, [=](S& s) { return CountOther(s.*range, expected); }, 0};
}

// How often an event of the whole machine happens in a step.
inline auto Event(const char* name, testing::Matcher<std::int64_t> times) {
  return Change(
      name, [=] { return Vmstat(name); }, times);
}

// What happens to huge pages in a step, as a row: nothing else than this.
struct Happened {
  std::int64_t alloc = 0;
  std::int64_t fallback = 0;
  std::int64_t zero = 0;
  std::int64_t split_pmd = 0;
  std::int64_t split_page = 0;
  std::int64_t deferred = 0;

  template <typename S>
  operator Row<S>() const {
    return Rows<S>{Event("thp_fault_alloc", alloc),
                   Event("thp_fault_fallback", fallback),
                   Event("thp_zero_page_alloc", zero),
                   Event("thp_split_pmd", split_pmd),
                   Event("thp_split_page", split_page),
                   Event("thp_deferred_split_page", deferred)};
  }
};

}  // namespace oomgate
