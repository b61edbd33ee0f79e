// SPDX-License-Identifier: Apache-2.0
// Swap areas of the same priority are used in turn; of two, the one with the
// higher priority is filled before the other has a page.
#include <fcntl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "oomgate/case.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kDisk = 32_MiB;  // of the second area
constexpr Bytes kSome = 16_MiB;  // fits into either
constexpr Bytes kMuch = 48_MiB;  // does not fit into the second
constexpr int kTimes = 3;
constexpr const char* kNames[kTimes] = {"own.first", "own.second", "own.third"};
constexpr Bytes kFull = 30_MiB;  // of the second; what is left is scattered

// As mkswap(8) does: union swap_header of include/linux/swap.h.
void MakeSwap(Trace& trace) {
  static struct {
    char boot[1024];
    std::uint32_t version = 1;
    std::uint32_t last_page = kDisk / kPage - 1;
    char rest[kPage.count - 1024 - 2 * 4 - 10];
    char magic[10] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};
  } header;
  static_assert(sizeof header == kPage.count);
  const int disk = open(kScratchDisk, O_WRONLY | O_CLOEXEC);
  if (disk < 0 || write(disk, &header, sizeof header) != kPage.count ||
      fsync(disk) != 0) {
    trace.Stop("a swap area", errno);
  }
  close(disk);
}

// What is used of this area, and of the other one.
struct Used {
  Bytes first = {-1};
  Bytes second = {-1};
};
Used ReadUsed(Trace& trace, const SwapArea& first) {
  FILE* const file = std::fopen("/proc/swaps", "re");
  if (file == nullptr) trace.Stop("/proc/swaps", errno);
  Used used;
  char path[128];
  long long kilobytes = 0;
  std::fscanf(file, "%*[^\n]");
  while (std::fscanf(file, "%127s %*s %*s %lld %*s", path, &kilobytes) == 2) {
    (std::strcmp(path, first.path) == 0 ? used.first : used.second) =
        kilobytes * 1_KiB;
  }
  std::fclose(file);
  return used;
}

std::int64_t PriorityOf(Trace& trace, const SwapArea& area) {
  FILE* const file = std::fopen("/proc/swaps", "re");
  if (file == nullptr) trace.Stop("/proc/swaps", errno);
  char path[128];
  long priority = 0;
  std::fscanf(file, "%*[^\n]");
  while (std::fscanf(file, "%127s %*s %*s %*s %ld", path, &priority) == 2) {
    if (std::strcmp(path, area.path) != 0) continue;
    std::fclose(file);
    return priority;
  }
  trace.Stop("find the area in /proc/swaps", ENOENT);
}

void On(Trace& trace, const char* area, int priority) {
  if (swapon(area, SWAP_FLAG_PREFER | priority) != 0) {
    trace.Stop("swapon", errno);
  }
}
void Off(Trace& trace, const char* area) {
  if (swapoff(area) != 0) trace.Stop("swapoff", errno);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const SwapArea area = FindSwapArea(trace);
  MakeSwap(trace);
  Off(trace, area.path);
  // What is out where, when the second area has this priority and the first
  // has 5.
  const auto out = [&](const char* first, const char* second, int priority,
                       Bytes size) {
    On(trace, area.path, 5);
    On(trace, kScratchDisk, priority);
    const Range range = MapAnonymous(trace, size);
    NumberPages(range);
    PageOut(trace, range);
    const Used used = ReadUsed(trace, area);
    trace.Set(first, used.first);
    trace.Set(second, used.second);
    trace.Add("wrong", CountMisnumbered(range));
    Unmap(trace, range);
    Off(trace, kScratchDisk);
    Off(trace, area.path);
  };
  out("equal.first", "equal.second", 5, kSome);
  out("lower.first", "lower.second", 4, kSome);
  out("higher.first", "higher.second", 6, kSome);
  out("full.first", "full.second", 6, kMuch);
  // Without one, it is the kernel's: the same each time.
  for (int i = 0; i < kTimes; ++i) {
    if (swapon(area.path, 0) != 0) trace.Stop("swapon", errno);
    trace.Set(kNames[i], PriorityOf(trace, area));
    if (i < kTimes - 1) Off(trace, area.path);
  }
}

Oracle Expect(const Params&, const Facts& f) {
  // Each CPU may have got some in advance (SWAP_SLOTS_CACHE_SIZE).
  const Bytes cached = f.cpus * 64 * kPage;
  const auto all = Between(kSome, kSome + cached);
  const auto share = Between(kSome / 4, kSome - kSome / 4);
  return AllOf(
      Survives(), Count("own.first", Lt(0)),
      Difference("own.second", "own.first", Eq(0)),
      Difference("own.third", "own.first", Eq(0)), Count("wrong", Eq(0)),
      Size("equal.first", share), Size("equal.second", share),
      Size("lower.first", all), Size("lower.second", Eq(0_B)),
      Size("higher.first", Eq(0_B)), Size("higher.second", all),
      Size("full.second", Between(kFull, kDisk)),
      Size("full.first", Between(kMuch - kDisk, kMuch - kFull + cached)));
}

const Register kSwapPriority{
    {.id = "counters/swap_priority",
     .summary = "swap areas are used in turn, or by their priority",
     .explains = {.claim = "Seed 1: memory observation, swap; swapon(2): "
                           "priority, pages are allocated on a round-robin "
                           "basis between areas of the same",
                  .deed = "pages out 16 MiB to two areas, the second with the "
                          "same, a lower and a higher priority; then more "
                          "than fits into it",
                  .functions = "get_swap_pages, folio_alloc_swap, "
                               "swap_alloc_slow, plist_requeue",
                  .look_at = "<step>.first and .second are Used of "
                             "/proc/swaps; the first has priority 5"},
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB, .alone = true, .disk = 64_MiB},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
