// SPDX-License-Identifier: Apache-2.0
// Of a memfd khugepaged makes a huge page where no more than max_ptes_none of
// its pages are missing, and all of it is memory then: to the page.
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
constexpr int kPatience = 200;  // looks
constexpr int kLook = 25;       // milliseconds

struct Round {
  const char* knob;
  int none;
};
constexpr Round kRounds[] = {{"0", 0}, {"255", 255}, {"511", 511}};

void Set(Trace& trace, const char* file, const char* value) {
  char path[96];
  std::snprintf(path, sizeof path, "%skhugepaged/%s", kThp, file);
  WriteKnob(trace, path, value);
}

std::int64_t Scans() {
  char path[96];
  std::snprintf(path, sizeof path, "%skhugepaged/full_scans", kThp);
  return NumberIn(path);
}

// A memfd of one huge page's size of which the first pages are written.
struct File {
  File(Trace& trace, int written)
      : fd(static_cast<int>(syscall(SYS_memfd_create, "case", 0U))) {
    if (fd < 0 || ftruncate(fd, kHugePage.count) != 0) {
      trace.Stop("memfd", errno);
    }
    range = MapFile(trace, fd, kHugePage, PROT_READ | PROT_WRITE, MAP_SHARED);
    part = range.Part(0_B, written * kPage);
    WritePages(trace, part);
  }
  Bytes blocks() const {
    struct stat of = {};
    fstat(fd, &of);
    return of.st_blocks * 512_B;
  }
  int fd;
  Range range = {};
  Range part = {};
};

void Collapse(Trace& trace, const Round& round) {
  const int least = kPages - round.none;
  const File enough(trace, least);
  const File too_few(trace, least - 1);
  const auto set = [&](const char* what, std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", what, round.knob);
    trace.Set(name, value);
  };
  const auto huge = [] {
    RefreshVmstat();
    return Meminfo("ShmemHugePages");
  };
  const Bytes before = huge();
  Set(trace, "max_ptes_none", round.knob);
  // Twice: up to 6.1 khugepaged learns of the process only where the advice
  // was there before.
  for (int i = 0; i < 2; ++i) {
    TryAdvise(enough.range, MADV_HUGEPAGE);
    TryAdvise(too_few.range, MADV_HUGEPAGE);
  }
  for (int i = 0; i < kPatience && huge() < before + kHugePage; ++i) {
    poll(nullptr, 0, kLook);
  }
  // And time for what is not to collapse.
  const std::int64_t until = Scans() + 3;
  for (int i = 0; i < kPatience && Scans() < until; ++i) {
    poll(nullptr, 0, kLook);
  }
  set("huge", (huge() - before).count);
  set("enough", enough.blocks().count);
  set("too_few", too_few.blocks().count);
  trace.Add("wrong",
            CountOther(enough.part, 1) + CountOther(too_few.part, 1) +
                CountOther(enough.range.Part(enough.part.size,
                                             kHugePage - enough.part.size),
                           0));
  for (const File& file : {enough, too_few}) {
    Unmap(trace, file.range);
    close(file.fd);
  }
  set("left", (huge() - before).count);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Set(trace, "max_ptes_none", "0");
  Set(trace, "pages_to_scan", "65536");
  Set(trace, "alloc_sleep_millisecs", "0");
  Set(trace, "scan_sleep_millisecs", "1");
  for (const Round& round : kRounds) Collapse(trace, round);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle all = AllOf(Survives(), Count("wrong", Eq(0)));
  for (const Round& round : kRounds) {
    const std::string knob = std::string("_") + round.knob;
    all = AllOf(all, Size("huge" + knob, Eq(kHugePage)),
                Size("enough" + knob, Eq(kHugePage)),
                Size("too_few" + knob, Eq((kPages - round.none - 1) * kPage)),
                Size("left" + knob, Eq(0_B)));
  }
  return all;
}

const Register kKhugepagedShmem{
    {.id = "thp/khugepaged_shmem",
     .summary = "khugepaged collapses a memfd up to max_ptes_none, to the page",
     .explains =
         {.claim = "Seed 1: \"khugepaged\" turns sparse memory into 2 MiB; "
                   "admin-guide/mm/transhuge, shmem_enabled, max_ptes_none",
          .deed = "with three values of max_ptes_none writes memfds on both "
                  "sides of the threshold, and waits for khugepaged",
          .functions = "hpage_collapse_scan_file, collapse_file, "
                       "shmem_charge",
          .look_at = "enough_<max_ptes_none> and too_few_… are the memory of "
                     "the two files"},
     .blast = Blast::kMachine,
     .needs = {.memory = 512_MiB,
               .settings = {{std::string(kThp) + "defrag", "madvise"},
                            {std::string(kThp) + "enabled", "madvise"},
                            {std::string(kThp) + "shmem_enabled", "advise"}}},
     .subject = Subject,
     .expect = Expect,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
