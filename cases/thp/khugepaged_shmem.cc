// SPDX-License-Identifier: Apache-2.0
// Of a memfd khugepaged makes a huge page where no more than max_ptes_none of
// its pages are missing, and all of it is memory then: to the page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
constexpr int kPatience = 5000;  // milliseconds

Bytes MachineHuge() { return MachineHas("ShmemHugePages"); }

// A memfd of one huge page's size of which the first pages are written.
struct File {
  Trace& trace;
  Bytes written;
  int fd = MakeMemfd(trace, kHugePage);
  Range range =
      MapFile(trace, fd, kHugePage, PROT_READ | PROT_WRITE, MAP_SHARED);
  Range part = range.Part(0_B, written);
  Range rest = range.Part(written, kHugePage - written);
  bool is_written = (WritePages(trace, part), true);
};

void Collapse(Scene& s, int none) {
  ScanWithoutPause(s.trace);
  const File enough{s.trace, (kPages - none) * kPage};
  const File too_few{s.trace, (kPages - none - 1) * kPage};
  const Bytes before = MachineHuge();
  kKhugepagedKnobs.Set(s.trace, "max_ptes_none", none);
  // Twice: up to 6.1 khugepaged learns of the process only where the advice
  // was there before.
  for (int i = 0; i < 2; ++i) {
    TryAdvise(enough.range, MADV_HUGEPAGE);
    TryAdvise(too_few.range, MADV_HUGEPAGE);
  }
  HoldsWithin(kPatience, [=] { return MachineHuge() >= before + kHugePage; });
  AwaitScans(kKhugepagedKnobs, 3, kPatience);  // for what is not to collapse
  s.Set("huge", MachineHuge() - before);
  s.Set("enough", BlocksOf(enough.fd));
  s.Set("too few", BlocksOf(too_few.fd));
  s.Set("other", CountOther(enough.part, 1) + CountOther(too_few.part, 1) +
                     CountOther(enough.rest, 0));
  for (const File& file : {enough, too_few}) {
    Unmap(s.trace, file.range);
    close(file.fd);
  }
  // khugepaged may hold a file a little longer.
  const auto gone = [=](Bytes huge) { return huge == before; };
  s.Set("left", OnceHolds(kPatience, MachineHuge, gone) - before);
}

Steps<Scene> Make(const Params&, const Facts&) {
  Steps<Scene> steps;
  for (const int none : {0, 255, 511}) {
    steps.push_back({"collapse with " + std::to_string(none),
                     [=](Scene& s) { Collapse(s, none); },
                     Size("huge", kHugePage), Size("enough", kHugePage),
                     Size("too few", (kPages - none - 1) * kPage),
                     Count("other", 0), Size("left", 0_B)});
  }
  return steps;
}

const Register kKhugepagedShmem{
    {.id = "thp/khugepaged_shmem",
     .summary = "khugepaged collapses a memfd up to max_ptes_none, to the page",
     .claim = "Seed 1: \"khugepaged\"; admin-guide/mm/transhuge, max_ptes_none",
     .functions = "hpage_collapse_scan_file, collapse_file, shmem_charge",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {kThpKnobs.With("defrag", "madvise"),
                            kThpKnobs.With("enabled", "madvise"),
                            kThpKnobs.With("shmem_enabled", "advise")}},
     .steps = Make,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
