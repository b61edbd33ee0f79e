// SPDX-License-Identifier: Apache-2.0
// What one touch of a cold file mapping brings in: the window around it, the
// window behind it (SEQUENTIAL), the page alone (RANDOM); WILLNEED brings all.
#include <sys/sysmacros.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr std::int64_t kTouched = 1000;
constexpr std::int64_t kWindow = 32;   // pages: 128 kB, as most disks have
constexpr std::int64_t kWilled = 300;  // pages that WILLNEED asks for
constexpr int kPatience = 5000;        // milliseconds

unsigned char resident[kPages];

struct Resident {
  std::int64_t pages = 0;
  std::int64_t first = -1;
};

Resident Look(Trace& trace, const Range& range) {
  Must(trace, "mincore", mincore(range.start, Length(range.size), resident));
  Resident seen;
  for (std::int64_t i = 0; i < kPages; ++i) {
    if ((resident[i] & 1) == 0) continue;
    if (seen.pages++ == 0) seen.first = i;
  }
  return seen;
}

// Reading ahead goes on for a while: what is there when it is as much as was
// asked for.
Resident Settled(Trace& trace, const Range& range, std::int64_t wanted) {
  return OnceHolds(
      kPatience, [&] { return Look(trace, range); },
      [=](const Resident& seen) { return seen.pages >= wanted; });
}

// How far the disk is read ahead while this lives; newer kernels compute it
// from the disk.
class Window {
 public:
  explicit Window(Trace& trace) : trace_(trace) {
    struct stat node = {};
    Must(trace, "the scratch disk", stat(kScratchDisk, &node));
    std::snprintf(path_, sizeof path_, "/sys/dev/block/%u:%u/queue",
                  major(node.st_rdev), minor(node.st_rdev));
    before_ = KernelFolder(path_).Number("read_ahead_kb");
    KernelFolder(path_).Set(trace, "read_ahead_kb", kWindow * (kPage / 1_KiB));
  }
  ~Window() { KernelFolder(path_).Set(trace_, "read_ahead_kb", before_); }

 private:
  Trace& trace_;
  char path_[64] = {};
  std::int64_t before_ = 0;
};

struct Disk : Scene {
  Window window{trace};
};

struct Way {
  const char* name;
  int advice;
  std::int64_t pages;  // that come in
  std::int64_t first;
  std::int64_t major_faults;
};
constexpr Way kWays[] = {
    {"normal", MADV_NORMAL, kWindow, kTouched - kWindow / 2, 1},
    {"sequential", MADV_SEQUENTIAL, kWindow, kTouched, 1},
    {"random", MADV_RANDOM, 1, kTouched, 1},
    {"willneed", MADV_WILLNEED, kWilled, kTouched, 0}};

auto Touch(const Way& way) {
  return [way](Disk& s) {
    // Each with a file of its own: it remembers what was read.
    const int fd = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const Range range = MapBare(s.trace, kSize, PROT_READ, MAP_SHARED, fd);
    s.Set("cold", Look(s.trace, range).pages);
    const bool will = way.advice == MADV_WILLNEED;
    const Range advised =
        will ? range.Part(kTouched * kPage, kWilled * kPage) : range;
    const int error = TryAdvise(advised, way.advice);
    const std::int64_t majors = Vmstat("pgmajfault");
    if (will) Settled(s.trace, range, kWilled);
    (void)*static_cast<volatile char*>(range.start + kTouched * kPage.count);
    s.Set("major faults", Vmstat("pgmajfault") - majors);
    const Resident seen = Settled(s.trace, range, way.pages);
    s.Set("pages", seen.pages);
    s.Set("first", seen.first);
    Unmap(s.trace, range);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    return error;
  };
}

Steps<Disk> Make(const Params&, const Facts&) {
  Steps<Disk> steps;
  for (const Way& way : kWays) {
    steps.push_back({way.name, Touch(way), Count("cold", 0),
                     Count("pages", way.pages), Count("first", way.first),
                     Count("major faults", way.major_faults)});
  }
  return steps;
}

const Register kReadahead{
    {.id = "madvise/readahead",
     .summary = "RANDOM, SEQUENTIAL, WILLNEED: what one touch brings in",
     .claim = "Seed 1: the list of madvise; madvise(2), MADV_RANDOM, "
              "MADV_SEQUENTIAL, MADV_WILLNEED",
     .functions =
         "do_sync_mmap_readahead, force_page_cache_readahead, madvise_willneed",
     .look_at = "first and pages: where the window began, and how large it was",
     .needs = {.alone = true, .disk = 64_MiB},
     .steps = Make,
     .metrics = {Metric::Count("random_pages", "random.pages")}}};

}  // namespace
}  // namespace oomgate
