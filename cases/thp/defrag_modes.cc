// SPDX-License-Identifier: Apache-2.0
// Where memory is in pieces, the knob `defrag` says who waits until a huge page
// is made of them: everybody, who asked for huge pages, or nobody.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

// Left to the rest of the machine while it is broken into pieces: its
// watermarks, page tables, and what may yet hold a few huge pages.
constexpr Bytes kLeft = 40_MiB;
constexpr Bytes kPiece = 256_KiB;
constexpr int kMostFaults = 48;
constexpr int kWakingFaults = 4;

constexpr MapOptions::Pages kAsked = MapOptions::kHuge;
constexpr MapOptions::Pages kPlain = MapOptions::kDefault;

struct Pieces : Scene {
  Range filler = Break();

  // Fills the machine with small pages, and gives back all but a few of each
  // 2 MiB: most of it is free, but nothing of it is large. A few, as one a
  // block of addresses is not one a block of RAM.
  Range Break() const {
    const Bytes size = (Meminfo("MemFree") - kLeft) / kPiece * kPiece;
    const Range all = MapAnonymous(trace, size);
    WritePages(trace, all);
    for (Bytes at; at < size; at += kPiece) {
      TryAdvise(all.Part(at + kPage, kPiece - kPage), MADV_DONTNEED);
    }
    return all;
  }
};

struct Seen {
  bool waited;
  bool fell_back;
  bool woken;
};

// Huge faults, until one waits (or falls back, where that is enough): some may
// find what another mode's compaction has made.
Seen Touch(Trace& trace, const char* defrag, MapOptions::Pages pages, int most,
           bool until_fallback = false) {
  kThpKnobs.Set(trace, "defrag", defrag);
  const Range range = MapAnonymous(trace, kMostFaults * kHugePage,
                                   {.align = 1_GiB, .pages = pages});
  const std::int64_t stalls = Vmstat("compact_stall");
  const std::int64_t wakes = Vmstat("compact_daemon_wake");
  const std::int64_t fallbacks = Vmstat("thp_fault_fallback");
  const auto waited = [&] { return Vmstat("compact_stall") > stalls; };
  const auto fell_back = [&] {
    return Vmstat("thp_fault_fallback") > fallbacks;
  };
  for (int i = 0; i < most; ++i) {
    WritePages(trace, range.Part(i * kHugePage, kHugePage), kHugePage);
    if (waited() || (until_fallback && fell_back())) break;
  }
  return {waited(), fell_back(), Vmstat("compact_daemon_wake") > wakes};
}

void Set(const Scene& s, const Seen& seen) {
  s.Set("waited", seen.waited);
  s.Set("fell back", seen.fell_back);
  s.Set("woken", seen.woken);
}

auto GivesUp(const char* defrag, MapOptions::Pages pages) {
  return [=](Pieces& s) {
    Set(s, Touch(s.trace, defrag, pages, kMostFaults, true));
  };
}

auto Wakes(const char* defrag, MapOptions::Pages pages) {
  return
      [=](Pieces& s) { Set(s, Touch(s.trace, defrag, pages, kWakingFaults)); };
}

void Wait(Pieces& s) {
  int waiting = 0;
  const auto touch = [&](const char* defrag, MapOptions::Pages pages) {
    waiting += Touch(s.trace, defrag, pages, kMostFaults).waited ? 1 : 0;
  };
  touch("madvise", kAsked);
  touch("defer+madvise", kAsked);
  touch("always", kPlain);
  s.Set("waiting modes", waiting);
}

// vma_thp_gfp_mask in mm/huge_memory.c. Last those that wake kcompactd, which
// mends what the others must find broken, or puts off what it tried in vain.
Steps<Pieces> Make(const Params&, const Facts&) {
  const Oracle waits_not = Count("waited", 0);
  const Oracle gives_up =
      AllOf(waits_not, Count("fell back", 1), Count("woken", 0));
  return {
      {"never, plain", GivesUp("never", kPlain), gives_up},
      {"never, asked", GivesUp("never", kAsked), gives_up},
      {"madvise, plain", GivesUp("madvise", kPlain), gives_up},
      // One of those that wait may have made enough for all.
      {"three modes that wait", Wait, Count("waiting modes", Ge(1))},
      {"defer, plain", Wakes("defer", kPlain), waits_not},
      {"defer, asked", Wakes("defer", kAsked), waits_not},
      {"defer+madvise, plain", Wakes("defer+madvise", kPlain), waits_not},
  };
}

std::vector<Setting> Settings() {
  std::vector<Setting> settings = HugeOnAdvice();
  // It would mend what was broken, on its own time.
  settings.push_back(kVmKnobs.With("compaction_proactiveness", "0"));
  for (Setting& setting : settings) {
    if (setting.path.ends_with("/enabled")) setting.value = "always";
  }
  return settings;
}

const Register kDefragModes{
    {.id = "thp/defrag_modes",
     .summary = "defrag says who waits for a huge page where there is none",
     .claim = "Seed 1: THP and its stalls; admin-guide/mm/transhuge, "
              "\"defrag\" (thp.defrag_modes)",
     .functions =
         "vma_thp_gfp_mask, __alloc_pages_direct_compact, wakeup_kcompactd",
     .look_at = "waited: compact_stall rose; fell back: thp_fault_fallback; "
                "woken: compact_daemon_wake",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB,
               .no_swap = true,
               .alone = true,
               .settings = Settings()},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
