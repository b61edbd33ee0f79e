// SPDX-License-Identifier: Apache-2.0
// In mode 2 the limit is a formula of RAM, huge pages, two knobs and swap; what
// may be mapped reaches it to the page, and swap in the limit cannot be taken.
#include <fcntl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr const char* kHugePages = "/proc/sys/vm/nr_hugepages";
constexpr const char* kSurplus = "/proc/sys/vm/nr_overcommit_hugepages";
constexpr int kHugeCounts[] = {0, 8};
constexpr int kRatios[] = {1, 33, 50, 80, 100, 150};
// The last is no whole page.
constexpr int kKilobytes[] = {4, 100000, 100003};
constexpr int kSurplusPages = 3;

// "ratio_33_huge_8"; the buffer's owner is the caller.
const char* Name(char (&name)[48], const char* knob, int value, int huge,
                 const char* what = "") {
  std::snprintf(name, sizeof name, "%s_%d_huge_%d%s", knob, value, huge, what);
  return name;
}

void WriteNumber(Trace& trace, const char* path, int value) {
  char text[16];
  std::snprintf(text, sizeof text, "%d", value);
  WriteKnob(trace, path, text);
}

// The largest mapping in mode 2, beyond what the rule says.
void MeasureLargest(Trace& trace, const char* name) {
  WriteKnob(trace, kMode, "2");
  const std::int64_t room = Room(Who::kAdmin);
  const Bytes largest =
      LargestMap(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 1_TiB);
  trace.Set(name, largest / kPage - room);
  WriteKnob(trace, kMode, "0");
}

void MeasureKnobs(Trace& trace, int huge) {
  WriteNumber(trace, kHugePages, huge);
  char name[48];
  for (const int ratio : kRatios) {
    WriteNumber(trace, kRatio, ratio);
    trace.Set(Name(name, "ratio", ratio, huge), Meminfo("CommitLimit"));
    if (NumberIn(kKbytes) != 0) trace.Add("not_cleared", 1);
    if (ratio < 50) continue;
    MeasureLargest(trace, Name(name, "ratio", ratio, huge, "_error"));
  }
  for (const int kilobytes : kKilobytes) {
    WriteNumber(trace, kKbytes, kilobytes);
    trace.Set(Name(name, "kbytes", kilobytes, huge), Meminfo("CommitLimit"));
    if (NumberIn(kRatio) != 0) trace.Add("not_cleared", 1);
    if (kilobytes < 100000) continue;
    MeasureLargest(trace, Name(name, "kbytes", kilobytes, huge, "_error"));
  }
}

// Pages beyond the pool count, too, while they are used.
void MeasureSurplus(Trace& trace) {
  WriteNumber(trace, kHugePages, 0);
  WriteNumber(trace, kSurplus, kSurplusPages);
  WriteKnob(trace, kRatio, "50");
  const std::size_t size = kSurplusPages * kHugePage.count;
  void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of surplus huge pages", errno);
  trace.Set("surplus", Meminfo("CommitLimit"));
  munmap(at, size);
  WriteKnob(trace, kSurplus, "0");
  trace.Set("no_surplus", Meminfo("CommitLimit"));
}

// The path of the only swap device: the first word of the second line.
void SwapPath(Trace& trace, char (&path)[64]) {
  char text[512] = {};
  const int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  const char* const line = n > 0 ? std::strchr(text, '\n') : nullptr;
  if (line == nullptr || std::sscanf(line, " %63s", path) != 1) {
    trace.Stop("reading /proc/swaps", ENOENT);
  }
}

// swapoff asks for as much as the device holds.
void MeasureSwapoff(Trace& trace) {
  char path[64];
  SwapPath(trace, path);
  const std::int64_t swap = Meminfo("SwapTotal") / kPage;
  WriteKnob(trace, kRatio, "80");
  WriteKnob(trace, kMode, "2");
  const int taken = LeaveRoom(trace, Who::kAdmin, swap - 1);
  const std::int64_t committed = CommittedPages();
  trace.Set("swapoff_errno", swapoff(path) == 0 ? 0 : errno);
  trace.Set("swapoff_keeps", CommittedPages() - committed);
  // A page less of ours.
  const auto left = lseek(taken, 0, SEEK_END) - kPage.count;
  if (ftruncate(taken, left) != 0) trace.Stop("ftruncate", errno);
  const std::int64_t limit = Meminfo("CommitLimit") / kPage;
  trace.Set("second_swapoff_errno", swapoff(path) == 0 ? 0 : errno);
  trace.Set("swapoff_takes", limit - Meminfo("CommitLimit") / kPage - swap);
  trace.Set("second_swapoff_keeps", CommittedPages() - committed + 1);
  trace.Set("swapon_errno", swapon(path, 0) == 0 ? 0 : errno);
  trace.Set("swapon_gives", Meminfo("CommitLimit") / kPage - limit);
  close(taken);
  WriteKnob(trace, kMode, "0");
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  GrowStack<256 << 10>();
  const std::int64_t before = CommittedPages();
  trace.Set("default_mode", NumberIn(kMode));
  trace.Set("default_ratio", NumberIn(kRatio));
  trace.Set("default_kbytes", NumberIn(kKbytes));
  trace.Set("not_cleared", 0);
  WriteKnob(trace, kMode, "0");
  for (const int huge : kHugeCounts) MeasureKnobs(trace, huge);
  MeasureSurplus(trace);
  if (f.swap > 0_B) MeasureSwapoff(trace);
  WriteKnob(trace, kKbytes, "0");
  trace.Set("nothing_but_swap", Meminfo("CommitLimit"));
  WriteKnob(trace, kRatio, "50");
  trace.Set("committed_left", CommittedPages() - before);
}

Bytes Limit(const Facts& f, int ratio, int huge) {
  const std::int64_t pages = f.ram / kPage - huge * (kHugePage / kPage);
  return pages * ratio / 100 * kPage + f.swap;
}

Oracle Expect(const Params&, const Facts& f) {
  std::vector<Oracle> all = {
      Survives(), Count("not_cleared", Eq(0)), Count("default_mode", Eq(0)),
      Count("default_ratio", Eq(50)), Count("default_kbytes", Eq(0))};
  char name[48];
  for (const int huge : kHugeCounts) {
    for (const int ratio : kRatios) {
      all.push_back(
          Size(Name(name, "ratio", ratio, huge), Eq(Limit(f, ratio, huge))));
      if (ratio < 50) continue;
      all.push_back(Count(Name(name, "ratio", ratio, huge, "_error"), Eq(0)));
    }
    for (const int kilobytes : kKilobytes) {
      all.push_back(Size(Name(name, "kbytes", kilobytes, huge),
                         Eq(kilobytes / 4 * kPage + f.swap)));
      if (kilobytes < 100000) continue;
      all.push_back(
          Count(Name(name, "kbytes", kilobytes, huge, "_error"), Eq(0)));
    }
  }
  all.push_back(Size("surplus", Eq(Limit(f, 50, kSurplusPages))));
  all.push_back(Size("no_surplus", Eq(Limit(f, 50, 0))));
  all.push_back(Size("nothing_but_swap", Eq(f.swap)));
  all.push_back(Count("committed_left", Eq(0)));
  if (f.swap > 0_B) {
    all.push_back(Count("swapoff_errno", Eq(ENOMEM)));
    all.push_back(Count("second_swapoff_errno", Eq(0)));
    all.push_back(Count("swapon_errno", Eq(0)));
    for (const char* same : {"swapoff_keeps", "second_swapoff_keeps",
                             "swapoff_takes", "swapon_gives"}) {
      all.push_back(Count(same, Eq(0)));
    }
  }
  return AllOf(all);
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.swap = p.Size("swap");
  instance.needs.no_swap = p.Size("swap") == 0_B;
}

const Register kNeverCommitLimit{
    {.id = "overcommit/never_commit_limit",
     .summary = "mode 2: CommitLimit by its formula, and reached to the page",
     .explains =
         {.claim = "Seed 1: the CommitLimit formula; seed 2's limit of \"total "
                   "RAM + CommitLimit\" is wrong, as the largest mapping shows",
          .deed = "writes ratio, kbytes and the number of huge pages, reads "
                  "CommitLimit, and in mode 2 bisects the largest mapping; "
                  "takes away the swap that the limit holds",
          .functions = "vm_commit_limit, hugetlb_total_pages, "
                       "overcommit_ratio_handler, __vm_enough_memory, swapoff",
          .look_at = "the values named after knobs; …_error is what the kernel "
                     "allowed beyond the rule"},
     .blast = Blast::kMachine,
     .needs = {.alone = true},
     .adjust = Adjust,
     .params = {{"swap", {"0", "64m"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "ratio_50_huge_0_error",
                  .better = Better::kLower,
                  .unit = "pages"}}}};

}  // namespace
}  // namespace oomgate
