// SPDX-License-Identifier: Apache-2.0
// What one touch of a cold file mapping brings in: the window around it, the
// window behind it (SEQUENTIAL), the page alone (RANDOM); WILLNEED brings all.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr std::int64_t kTouched = 1000;
constexpr std::int64_t kWindow = 32;   // pages: 128 kB, as most disks have
constexpr std::int64_t kWilled = 300;  // pages that WILLNEED asks for
constexpr int kPatience = 500;         // looks
constexpr int kLook = 10;              // milliseconds

unsigned char resident[kPages];

struct Resident {
  std::int64_t pages = 0;
  std::int64_t first = -1;
};

Resident Look(Trace& trace, const Range& range) {
  if (mincore(range.start, static_cast<std::size_t>(range.size.count),
              resident) != 0) {
    trace.Stop("mincore", errno);
  }
  Resident seen;
  for (std::int64_t i = 0; i < kPages; ++i) {
    if ((resident[i] & 1) == 0) continue;
    if (seen.pages++ == 0) seen.first = i;
  }
  return seen;
}

// Reading ahead goes on for a while: what is there when it grows no more, or
// is as much as was asked for.
Resident Settled(Trace& trace, const Range& range, std::int64_t wanted) {
  Resident seen = Look(trace, range);
  for (int i = 0; i < kPatience && seen.pages < wanted; ++i) {
    poll(nullptr, 0, kLook);
    seen = Look(trace, range);
  }
  return seen;
}

// How far the disk is read ahead; newer kernels compute it from the disk.
class Window {
 public:
  explicit Window(Trace& trace) : trace_(trace) {
    struct stat node = {};
    if (stat(kScratchDisk, &node) != 0) trace.Stop("the scratch disk", errno);
    std::snprintf(path_, sizeof path_,
                  "/sys/dev/block/%u:%u/queue/read_ahead_kb",
                  major(node.st_rdev), minor(node.st_rdev));
    before_ = NumberIn(path_);
    Set(kWindow * (kPage / 1_KiB));
  }
  ~Window() { Set(before_); }

 private:
  void Set(std::int64_t kilobytes) {
    char text[24];
    std::snprintf(text, sizeof text, "%lld", static_cast<long long>(kilobytes));
    WriteKnob(trace_, path_, text);
  }

  Trace& trace_;
  char path_[64];
  std::int64_t before_ = 0;
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

void Touch(Trace& trace, const Way& way) {
  const auto set = [&](const char* what, std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s_%s", way.name, what);
    trace.Set(name, value);
  };
  // Each with a file of its own: it remembers what was read.
  const int fd = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  void* const at = mmap(nullptr, static_cast<std::size_t>(kSize.count),
                        PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) trace.Stop("mmap of the scratch disk", errno);
  const Range range{.start = static_cast<char*>(at), .size = kSize};
  set("cold", Look(trace, range).pages);
  const bool will = way.advice == MADV_WILLNEED;
  const Range advised =
      will ? range.Part(kTouched * kPage, kWilled * kPage) : range;
  set("errno", TryAdvise(advised, way.advice));
  const std::int64_t majors = Vmstat("pgmajfault");
  if (will) Settled(trace, range, kWilled);
  (void)*static_cast<volatile char*>(range.start + kTouched * kPage.count);
  set("major_faults", Vmstat("pgmajfault") - majors);
  const Resident seen = Settled(trace, range, way.pages);
  set("pages", seen.pages);
  set("first", seen.first);
  munmap(at, static_cast<std::size_t>(kSize.count));
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Window window(trace);
  for (const Way& way : kWays) Touch(trace, way);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle oracle = Survives();
  for (const Way& way : kWays) {
    const std::string name = way.name;
    oracle = AllOf(oracle, Count(name + "_cold", Eq(0)),
                   Count(name + "_errno", Eq(0)),
                   Count(name + "_pages", Eq(way.pages)),
                   Count(name + "_first", Eq(way.first)),
                   Count(name + "_major_faults", Eq(way.major_faults)));
  }
  return oracle;
}

const Register kReadahead{
    {.id = "madvise/readahead",
     .summary = "RANDOM, SEQUENTIAL, WILLNEED: what one touch brings in",
     .explains =
         {.claim = "Seed 1: the list of madvise; madvise(2), MADV_RANDOM, "
                   "MADV_SEQUENTIAL, MADV_WILLNEED",
          .deed = "touches one page of a cold mapping of a disk, after each "
                  "advice, and asks mincore what is resident",
          .functions = "do_sync_mmap_readahead, force_page_cache_readahead, "
                       "madvise_willneed",
          .look_at = "<advice>_first and <advice>_pages: where the window "
                     "began, and how large it was"},
     .needs = {.alone = true, .disk = 64_MiB},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "random_pages", .better = Better::kLower}}}};

}  // namespace
}  // namespace oomgate
