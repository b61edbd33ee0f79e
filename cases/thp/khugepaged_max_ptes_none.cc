// SPDX-License-Identifier: Apache-2.0
// khugepaged collapses a region where no more of its pages are missing than
// max_ptes_none, zero pages included, and no more are shared than
// max_ptes_shared: to the page.
#include <poll.h>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr const char* kKhugepaged =
    "/sys/kernel/mm/transparent_hugepage/khugepaged/";
constexpr int kPages = 512;     // of a region
constexpr int kPatience = 400;  // looks
constexpr int kLook = 25;       // milliseconds
constexpr int kDefaultShared = 256;

struct Region {
  const char* name;
  int written;
  int read;    // behind the written ones
  int shared;  // of the written ones, with a child
  int advice;
  bool collapses;
};

// What is to be seen with one value of max_ptes_none.
struct Round {
  const char* knob;
  int none;
};
constexpr Round kRounds[] = {
    {"0", 0}, {"63", 63}, {"255", 255}, {"510", 510}, {"511", 511}};
constexpr int kRegions = 8;

void RegionsOf(const Round& round, Region (&regions)[kRegions]) {
  const int least = kPages - round.none;
  const bool all = round.none == kPages - 1;
  const Region wanted[kRegions] = {
      {"enough", least, 0, 0, MADV_HUGEPAGE, true},
      {"too_few", least - 1, 0, 0, MADV_HUGEPAGE, false},
      {"enough_zero", least, kPages - least, 0, MADV_HUGEPAGE, true},
      {"too_many_zero", least - 1, kPages - least + 1, 0, MADV_HUGEPAGE, false},
      {"unasked", kPages, 0, 0, MADV_NORMAL, false},
      {"refused", kPages, 0, 0, MADV_NOHUGEPAGE, false},
      {"shared", kPages, 0, kDefaultShared, MADV_HUGEPAGE, true},
      {"too_shared", kPages, 0, kDefaultShared + 1, MADV_HUGEPAGE, false},
  };
  for (int i = 0; i < kRegions; ++i) regions[i] = wanted[i];
  if (all) regions[1].read = regions[3].read = kPages;  // not even one written
}

std::int64_t Khugepaged(const char* file) {
  char path[96];
  std::snprintf(path, sizeof path, "%s%s", kKhugepaged, file);
  return NumberIn(path);
}

void SetKhugepaged(Trace& trace, const char* file, const char* value) {
  char path[96];
  std::snprintf(path, sizeof path, "%s%s", kKhugepaged, file);
  WriteKnob(trace, path, value);
}

bool IsHuge(const Range& range) {
  return ReadMapping(range).anon_huge == kHugePage;
}

void WaitForScans(int scans) {
  const std::int64_t until = Khugepaged("full_scans") + scans;
  for (int i = 0; i < kPatience && Khugepaged("full_scans") < until; ++i) {
    poll(nullptr, 0, kLook);
  }
}

void Collapse(Trace& trace, const Round& round) {
  Region regions[kRegions];
  RegionsOf(round, regions);
  Range ranges[kRegions];
  for (int i = 0; i < kRegions; ++i) {
    const Region& region = regions[i];
    MapOptions options;
    if (region.advice == MADV_NORMAL) options.pages = MapOptions::kDefault;
    ranges[i] = MapAnonymous(trace, kHugePage, options);
    WritePages(trace, ranges[i].Part(0_B, region.written * kPage));
    CountOther(ranges[i].Part(region.written * kPage, region.read * kPage), 0);
  }
  // A child shares what is not written again after it was forked.
  Gate done(trace);
  const pid_t child = StartChild(trace, [&] { done.Pass(); });
  for (int i = 0; i < kRegions; ++i) {
    const int own = regions[i].written - regions[i].shared;
    WritePages(trace, ranges[i].Part(0_B, own * kPage));
  }
  SetKhugepaged(trace, "max_ptes_none", round.knob);
  const std::int64_t collapsed = Khugepaged("pages_collapsed");
  int expected = 0;
  for (int i = 0; i < kRegions; ++i) {
    if (regions[i].advice != MADV_HUGEPAGE) continue;
    TryAdvise(ranges[i], MADV_HUGEPAGE);
    expected += regions[i].collapses ? 1 : 0;
  }
  // What is to collapse, and time for what is not to.
  for (int look = 0; look < kPatience; ++look) {
    if (Khugepaged("pages_collapsed") - collapsed >= expected) break;
    poll(nullptr, 0, kLook);
  }
  WaitForScans(3);
  std::int64_t wrong = 0;
  Bytes rss;
  for (int i = 0; i < kRegions; ++i) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", regions[i].name, round.knob);
    trace.Set(name, IsHuge(ranges[i]) ? 1 : 0);
    const Range written = ranges[i].Part(0_B, regions[i].written * kPage);
    wrong += CountOther(written, 1);
    wrong +=
        CountOther(ranges[i].Part(written.size, kHugePage - written.size), 0);
    if (i == 0) rss = ReadMapping(ranges[i]).rss;
  }
  char name[48];
  std::snprintf(name, sizeof name, "rss_%s", round.knob);
  trace.Set(name, rss);
  trace.Add("wrong_bytes", wrong);
  trace.Add("collapsed", Khugepaged("pages_collapsed") - collapsed);
  done.Open();
  Reap(child);
  for (const Range& range : ranges) Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("default_none", Khugepaged("max_ptes_none"));
  trace.Set("default_shared", Khugepaged("max_ptes_shared"));
  SetKhugepaged(trace, "max_ptes_none", "0");
  SetKhugepaged(trace, "pages_to_scan", "65536");
  SetKhugepaged(trace, "alloc_sleep_millisecs", "0");
  SetKhugepaged(trace, "scan_sleep_millisecs", "1");
  for (const Round& round : kRounds) Collapse(trace, round);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle oracle = AllOf(Survives(), Count("default_none", Eq(kPages - 1)),
                        Count("default_shared", Eq(kDefaultShared)),
                        Count("wrong_bytes", Eq(0)));
  int collapsed = 0;
  for (const Round& round : kRounds) {
    Region regions[kRegions];
    RegionsOf(round, regions);
    for (const Region& region : regions) {
      const std::string name = std::string(region.name) + "_" + round.knob;
      oracle = AllOf(oracle, Count(name, Eq(region.collapses ? 1 : 0)));
      collapsed += region.collapses ? 1 : 0;
    }
    oracle =
        AllOf(oracle, Size(std::string("rss_") + round.knob, Eq(kHugePage)));
  }
  return AllOf(oracle, Count("collapsed", Eq(collapsed)));
}

const Register kKhugepagedMaxPtesNone{
    {.id = "thp/khugepaged_max_ptes_none",
     .summary = "khugepaged collapses up to max_ptes_none missing pages, to "
                "the page",
     .explains =
         {.claim = "Seed 1: \"khugepaged\" turns sparse memory into 2 MiB; "
                   "admin-guide/mm/transhuge, max_ptes_none",
          .deed = "with five values of max_ptes_none, writes regions on both "
                  "sides of the threshold, and waits for khugepaged",
          .functions = "khugepaged_scan_mm_slot, hpage_collapse_scan_pmd, "
                       "collapse_huge_page",
          .look_at =
              "<region>_<max_ptes_none> is 1 where it collapsed; rss_511 "
              "is what one written page became"},
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {{std::string(kThp) + "defrag", "madvise"},
                            {std::string(kThp) + "enabled", "madvise"},
                            {std::string(kThp) + "use_zero_page", "1"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "rss_511",
                  .better = Better::kLower,
                  .unit = "bytes"}},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
