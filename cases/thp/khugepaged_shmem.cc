// SPDX-License-Identifier: Apache-2.0
// Of a memfd khugepaged makes a huge page where no more than max_ptes_none of
// its pages are missing, and all of it is memory then: to the page.
#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
constexpr int kPatience = 5000;  // milliseconds

Bytes MachineHuge() {
  RefreshVmstat();
  return Meminfo("ShmemHugePages");
}

// A memfd of one huge page's size of which the first pages are written.
struct File {
  File(Trace& trace, int written)
      : fd(MakeMemfd(trace, kHugePage)),
        range(
            MapFile(trace, fd, kHugePage, PROT_READ | PROT_WRITE, MAP_SHARED)),
        part(range.Part(0_B, written * kPage)),
        rest(range.Part(part.size, kHugePage - part.size)) {
    WritePages(trace, part);
  }
  Bytes Blocks() const {
    struct stat of = {};
    fstat(fd, &of);
    return of.st_blocks * 512_B;
  }
  int fd;
  Range range;
  Range part;
  Range rest;
};

void Collapse(Scene& s, int none) {
  const File enough(s.trace, kPages - none);
  const File too_few(s.trace, kPages - none - 1);
  const Bytes before = MachineHuge();
  kKhugepagedKnobs.Set(s.trace, "max_ptes_none", none);
  // Twice: up to 6.1 khugepaged learns of the process only where the advice
  // was there before.
  for (int i = 0; i < 2; ++i) {
    TryAdvise(enough.range, MADV_HUGEPAGE);
    TryAdvise(too_few.range, MADV_HUGEPAGE);
  }
  HoldsWithin(kPatience, [=] { return MachineHuge() >= before + kHugePage; });
  // And time for what is not to collapse.
  AwaitScans(kKhugepagedKnobs, 3, kPatience);
  s.Set("huge", MachineHuge() - before);
  s.Set("enough", enough.Blocks());
  s.Set("too few", too_few.Blocks());
  s.Set("other", CountOther(enough.part, 1) + CountOther(too_few.part, 1) +
                     CountOther(enough.rest, 0));
  for (const File& file : {enough, too_few}) {
    Unmap(s.trace, file.range);
    close(file.fd);
  }
  // khugepaged may hold a file a little longer.
  s.Set("left", OnceHolds(kPatience, MachineHuge, [=](Bytes huge) {
                  return huge == before;
                }) - before);
}

struct Scans : Scene {
  bool without_pause = Hurry();
  bool Hurry() const {
    kKhugepagedKnobs.Set(trace, "max_ptes_none", 0);
    kKhugepagedKnobs.Set(trace, "pages_to_scan", 65536);
    kKhugepagedKnobs.Set(trace, "alloc_sleep_millisecs", 0);
    kKhugepagedKnobs.Set(trace, "scan_sleep_millisecs", 1);
    return true;
  }
};

Steps<Scans> Make(const Params&, const Facts&) {
  Steps<Scans> steps;
  for (const int none : {0, 255, 511}) {
    steps.push_back({"collapse with " + std::to_string(none),
                     [=](Scans& s) { Collapse(s, none); },
                     Size("huge", kHugePage), Size("enough", kHugePage),
                     Size("too few", (kPages - none - 1) * kPage),
                     Count("other", 0), Size("left", 0_B)});
  }
  return steps;
}

const Register kKhugepagedShmem{
    {.id = "thp/khugepaged_shmem",
     .summary = "khugepaged collapses a memfd up to max_ptes_none, to the page",
     .claim = "Seed 1: \"khugepaged\" turns sparse memory into 2 MiB; "
              "admin-guide/mm/transhuge, shmem_enabled, max_ptes_none",
     .functions = "hpage_collapse_scan_file, collapse_file, shmem_charge",
     .look_at = "enough and too few are the memory of the two files",
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {kThpKnobs.With("defrag", "madvise"),
                            kThpKnobs.With("enabled", "madvise"),
                            kThpKnobs.With("shmem_enabled", "advise")}},
     .steps = Make,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
