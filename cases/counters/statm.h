// SPDX-License-Identifier: Apache-2.0
// Reading /proc/self/statm between two touches, with no fault of its own, and
// making its counters exact where a thread keeps some of them to itself.
#pragma once

#include "oomgate/case.h"

namespace oomgate {

// All of the address space.
inline constexpr Range kAll{.size = Bytes{INT64_MAX}};

// All of a file of /proc, up to 64 KiB.
inline char* ReadWhole(const char* path) {
  static char text[64 << 10];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  std::size_t filled = 0;
  ssize_t n = 0;
  while ((n = read(fd, text + filled, sizeof text - 1 - filled)) > 0) {
    filled += static_cast<std::size_t>(n);
  }
  close(fd);
  text[filled] = '\0';
  return text;
}

class Statm {
 public:
  explicit Statm(Trace& trace)
      : fd_(Must(trace, "open of statm",
                 open("/proc/self/statm", O_RDONLY | O_CLOEXEC))) {
    Read();
    Read();
  }
  ~Statm() { close(fd_); }
  Statm(const Statm&) = delete;
  Statm& operator=(const Statm&) = delete;

  void Read() {
    const ssize_t n = pread(fd_, text_, sizeof text_ - 1, 0);
    text_[n > 0 ? n : 0] = '\0';
    char* at = text_;
    size = std::strtoll(at, &at, 10);
    resident = std::strtoll(at, &at, 10);
    shared = std::strtoll(at, &at, 10);
  }

  // In pages.
  std::int64_t size = 0;
  std::int64_t resident = 0;
  std::int64_t shared = 0;

 private:
  int fd_;
  char text_[128] = {};
};

// Up to 6.1 a thread adds its faults to the process's counters every 66th one;
// releasing memory, even none, makes it add them at once (add_mm_rss_vec).
class RssSync {
 public:
  explicit RssSync(Trace& trace) : page_(MapAnonymous(trace, kPage)) {
    *page_.start = 1;
    Now();
  }
  void Now() const { TryAdvise(page_, MADV_DONTNEED); }

 private:
  Range page_;
};

// 6.2 counts in a per-CPU counter that /proc read without its parts, up to a
// batch a CPU late; 6.16 and later point releases of 6.12 sum it up.
// "" where the running kernel is exact, or as old as the one before.
inline std::string WhyInexactRss(const Params&, const Facts& f) {
  if (f.kernel < KernelVersion{6, 2} || f.kernel >= KernelVersion{6, 16}) {
    return "";
  }
  Trace* const trace = Trace::Share();
  std::string reason;
  {
    Statm statm(*trace);
    const std::int64_t before = statm.resident;
    const Range page = MapAnonymous(*trace, kPage);
    *page.start = 1;
    statm.Read();
    if (statm.resident == before) {
      reason =
          "this kernel reads RSS without the parts of its CPUs (6.2 to "
          "6.15)";
    }
    Unmap(*trace, page);
  }
  Trace::Release(trace);
  return reason;
}

// What a reader sees of one touch after the other.
struct StatmSteps {
  std::int64_t first = 0;  // the first jump of the counter
  std::int64_t least = 0;  // of all after it
  std::int64_t most = 0;
  std::int64_t most_lag = 0;  // touched, but not yet counted
  std::int64_t end_lag = 0;   // after a sync
};

// Reads a byte at `count` places, `stride` apart, each of which should make
// `pages` resident.
template <typename Touch>
StatmSteps Watch(Statm& statm, const RssSync& sync, std::int64_t count,
                 std::int64_t pages, Touch touch) {
  sync.Now();
  statm.Read();
  const std::int64_t base = statm.resident;
  std::int64_t seen = base;
  std::int64_t jumps = 0;
  StatmSteps steps;
  for (std::int64_t i = 0; i < count; ++i) {
    touch(i);
    statm.Read();
    const std::int64_t jump = statm.resident - seen;
    seen = statm.resident;
    const std::int64_t lag = base + (i + 1) * pages - seen;
    steps.most_lag = std::max(steps.most_lag, lag);
    if (jump == 0) continue;
    if (jumps++ == 0) {
      steps.first = jump;
      continue;
    }
    if (steps.least == 0 || jump < steps.least) steps.least = jump;
    steps.most = std::max(steps.most, jump);
  }
  sync.Now();
  statm.Read();
  steps.end_lag = base + count * pages - statm.resident;
  return steps;
}

inline void SetSteps(Trace& trace, const StatmSteps& steps) {
  trace.Set("first_step", steps.first);
  trace.Set("least_step", steps.least);
  trace.Set("most_step", steps.most);
  trace.Set("most_lag", steps.most_lag);
  trace.Set("end_lag", steps.end_lag);
}

// `pages` a fault. mm/memory.c up to 6.1, check_sync_rss_stat: the 66th fault
// since the last time adds up what the 65 before it and, but for the first
// time, the 66th of the round before have mapped.
inline Oracle ExpectSteps(const Facts& f, std::int64_t pages) {
  const bool late = f.kernel < KernelVersion{6, 2};
  const std::int64_t step = (late ? 66 : 1) * pages;
  return AllOf(Count("first_step", late ? 65 * pages : pages),
               Count("least_step", step), Count("most_step", step),
               Count("most_lag", late ? step : 0), Count("end_lag", 0));
}

}  // namespace oomgate
