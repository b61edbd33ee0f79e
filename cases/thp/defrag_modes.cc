// SPDX-License-Identifier: Apache-2.0
// Where memory is in pieces, the knob `defrag` says who waits until a huge page
// is made of them: everybody, who asked for huge pages, or nobody.
#include <cstdio>
#include <string>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr const char* kDefrag = "/sys/kernel/mm/transparent_hugepage/defrag";
// Left to the rest of the machine while it is broken into pieces: its
// watermarks, page tables, and what may yet hold a few huge pages.
constexpr Bytes kLeft = 40_MiB;
constexpr Bytes kPiece = 256_KiB;
constexpr int kMostFaults = 48;
constexpr int kWakingFaults = 4;

enum class Then { kGiveUp, kWake, kWait };

// vma_thp_gfp_mask in mm/huge_memory.c. Last those that wake kcompactd, which
// mends what the others must find broken, or puts off what it tried in vain.
struct Mode {
  const char* name;
  const char* defrag;
  MapOptions::Pages pages;
  Then then;
};
constexpr MapOptions::Pages kAsked = MapOptions::kHuge;
constexpr MapOptions::Pages kPlain = MapOptions::kDefault;
constexpr Mode kModes[] = {
    {"never_plain", "never", kPlain, Then::kGiveUp},
    {"never_asked", "never", kAsked, Then::kGiveUp},
    {"madvise_plain", "madvise", kPlain, Then::kGiveUp},
    {"madvise_asked", "madvise", kAsked, Then::kWait},
    {"defer_madvise_asked", "defer+madvise", kAsked, Then::kWait},
    {"always_plain", "always", kPlain, Then::kWait},
    {"defer_plain", "defer", kPlain, Then::kWake},
    {"defer_asked", "defer", kAsked, Then::kWake},
    {"defer_madvise_plain", "defer+madvise", kPlain, Then::kWake},
};

// Fills the machine with small pages, and gives back all but a few of each
// 2 MiB: most of it is free, but nothing of it is large. A few, as one a block
// of addresses is not one a block of RAM.
void BreakIntoPieces(Trace& trace) {
  const Bytes size = (Meminfo("MemFree") - kLeft) / kPiece * kPiece;
  const Range filler = MapAnonymous(trace, size);
  WritePages(trace, filler);
  for (Bytes at; at < size; at += kPiece) {
    TryAdvise(filler.Part(at + kPage, kPiece - kPage), MADV_DONTNEED);
  }
}

// Huge faults, of which some may find what another mode's compaction has made.
void Try(Trace& trace, const Mode& mode) {
  WriteKnob(trace, kDefrag, mode.defrag);
  MapOptions options;
  options.align = 1_GiB;
  options.pages = mode.pages;
  const Range range = MapAnonymous(trace, kMostFaults * kHugePage, options);
  const std::int64_t stalls = Vmstat("compact_stall");
  const std::int64_t wakes = Vmstat("compact_daemon_wake");
  const std::int64_t fallbacks = Vmstat("thp_fault_fallback");
  const auto waited = [&] { return Vmstat("compact_stall") > stalls; };
  const auto fell_back = [&] {
    return Vmstat("thp_fault_fallback") > fallbacks;
  };
  const int most = mode.then == Then::kWake ? kWakingFaults : kMostFaults;
  for (int i = 0; i < most; ++i) {
    WritePages(trace, range.Part(i * kHugePage, kHugePage), kHugePage);
    if (waited() || (mode.then == Then::kGiveUp && fell_back())) break;
  }
  if (mode.then == Then::kWait) {
    trace.Add("waiting_modes", waited() ? 1 : 0);
    return;
  }
  const auto set = [&](const char* what, bool value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", mode.name, what);
    trace.Set(name, value ? 1 : 0);
  };
  set("waited", waited());
  set("fell_back", fell_back());
  set("woken", Vmstat("compact_daemon_wake") > wakes);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  BreakIntoPieces(trace);
  for (const Mode& mode : kModes) Try(trace, mode);
}

Oracle Expect(const Params&, const Facts&) {
  // One of those that wait may have made enough for all.
  Oracle all = AllOf(Survives(), Count("waiting_modes", Ge(1)));
  for (const Mode& mode : kModes) {
    const std::string name = mode.name;
    if (mode.then == Then::kWait) continue;
    all = AllOf(all, Count(name + ".waited", Eq(0)));
    if (mode.then != Then::kGiveUp) continue;
    all = AllOf(all, Count(name + ".fell_back", Eq(1)),
                Count(name + ".woken", Eq(0)));
  }
  return all;
}

std::vector<Setting> Settings() {
  std::vector<Setting> settings = HugeOnAdvice();
  // It would mend what was broken, on its own time.
  settings.push_back({"/proc/sys/vm/compaction_proactiveness", "0"});
  for (Setting& setting : settings) {
    if (setting.path.ends_with("/enabled")) setting.value = "always";
  }
  return settings;
}

const Register kDefragModes{
    {.id = "thp/defrag_modes",
     .summary = "defrag says who waits for a huge page where there is none",
     .explains =
         {.claim = "Seed 1: THP and its stalls; admin-guide/mm/transhuge, "
                   "\"defrag\" (thp.defrag_modes)",
          .deed = "leaves a small page of each 256 KiB of the machine, and "
                  "writes to huge pages, asked for or not, in each mode",
          .functions = "vma_thp_gfp_mask, __alloc_pages_direct_compact, "
                       "wakeup_kcompactd",
          .look_at = "waited: compact_stall rose; fell_back: "
                     "thp_fault_fallback; woken: compact_daemon_wake; "
                     "waiting_modes: how many of three waited"},
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB,
               .no_swap = true,
               .alone = true,
               .settings = Settings()},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
