// SPDX-License-Identifier: Apache-2.0
// Swap areas of the same priority are used in turn; of two, the one with the
// higher priority is filled before the other has a page.
#include <sys/swap.h>

#include "oomgate/case.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kDisk = 32_MiB;  // of the second area
constexpr Bytes kSome = 16_MiB;  // fits into either
constexpr Bytes kMuch = 48_MiB;  // does not fit into the second
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

struct Areas : Scene {
  SwapArea first = FindSwapArea(trace);

  void On(const char* area, int flags) const {
    Must(trace, "swapon", swapon(area, flags));
  }
  void Off(const char* area) const { Must(trace, "swapoff", swapoff(area)); }
  // A line of /proc/swaps: what is used, and the priority.
  struct Line {
    Bytes used = {-1};
    std::int64_t priority = 0;
  };
  // The line of the first area, or of the other.
  Line Read(bool of_first) const {
    FILE* const file = std::fopen("/proc/swaps", "re");
    if (file == nullptr) trace.Stop("/proc/swaps", errno);
    Line line;
    char path[128];
    long kilobytes = 0;
    long priority = 0;
    std::fscanf(file, "%*[^\n]");
    while (std::fscanf(file, "%127s %*s %*s %ld %ld", path, &kilobytes,
                       &priority) == 3) {
      if ((std::strcmp(path, first.path) == 0) == of_first) {
        line = {kilobytes * 1_KiB, priority};
      }
    }
    std::fclose(file);
    return line;
  }
  std::int64_t Priority() const { return Read(true).priority; }

  // What is out where, when the first area has priority 5.
  void PageOutToBoth(int priority_of_second, Bytes size) const {
    On(first.path, SWAP_FLAG_PREFER | 5);
    On(kScratchDisk, SWAP_FLAG_PREFER | priority_of_second);
    const Range range = MapAnonymous(trace, size);
    NumberPages(range);
    PageOut(trace, range);
    Set("first", Read(true).used);
    Set("second", Read(false).used);
    Set("wrong", CountMisnumbered(range));
    Unmap(trace, range);
    Off(kScratchDisk);
    Off(first.path);
  }
};

Steps<Areas> Make(const Params&, const Facts& f) {
  using testing::Matcher;
  const auto page_out = [](const char* name, int priority, Bytes size,
                           Matcher<Bytes> first, Matcher<Bytes> second) {
    return StepOf<Areas>(
        name, [=](Areas& a) { a.PageOutToBoth(priority, size); },
        Size("first", first), Size("second", second), Count("wrong", 0));
  };
  // Each CPU may have got some in advance (SWAP_SLOTS_CACHE_SIZE).
  const Bytes cached = f.cpus * 64 * kPage;
  const auto all = Between(kSome, kSome + cached);
  const auto share = Between(kSome / 4, kSome - kSome / 4);
  const auto turn_on = [](Areas& a) { a.On(a.first.path, 0); };
  const auto turn_off_and_on = [](Areas& a) {
    a.Off(a.first.path);
    a.Set("total", Meminfo("SwapTotal"));
    a.On(a.first.path, 0);
  };
  const Row<Areas> priority("priority", &Areas::Priority, Lt(0));
  const Oracle same = Difference("priority", "turn on without one.priority", 0);
  return {
      {"make both areas",
       [](Areas& a) {
         MakeSwap(a.trace);
         a.Off(a.first.path);
       }},
      page_out("page out, priorities the same", 5, kSome, share, share),
      page_out("page out, that of the second lower", 4, kSome, all, 0_B),
      page_out("page out, that of the second higher", 6, kSome, 0_B, all),
      page_out("page out more than the second holds", 6, kMuch,
               Between(kMuch - kDisk, kMuch - kFull + cached),
               Between(kFull, kDisk)),
      // Without one, it is the kernel's: the same each time.
      {"turn on without one", turn_on, priority},
      {"turn off and on", turn_off_and_on, priority, same, Size("total", 0_B)},
      {"turn off and on again", turn_off_and_on, priority, same,
       Size("total", 0_B)},
  };
}

const Register kSwapPriority{
    {.id = "counters/swap_priority",
     .summary = "swap areas are used in turn, or by their priority",
     .claim = "Seed 1: memory observation, swap; swapon(2): priority, pages "
              "are allocated on a round-robin basis between areas of the same",
     .functions =
         "get_swap_pages, folio_alloc_swap, swap_alloc_slow, plist_requeue",
     .look_at =
         "first and second are Used of /proc/swaps; the first has priority 5",
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB, .alone = true, .disk = 64_MiB},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
