// SPDX-License-Identifier: Apache-2.0
// Faults are counted for the thread that takes them, its process when it ends,
// and its parent when that reaps it: minor and major apart, none twice.
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr std::int64_t kPages = 1024;  // that a thread or child reads
constexpr std::int64_t kCold = 64;     // pages of a disk
constexpr Bytes kApart = 64_KiB;       // further than one fault maps around
// Of a process's or thread's own: its stack, copies after a fork.
constexpr std::int64_t kOwn = 64;

struct Faults {
  std::int64_t minor = 0;
  std::int64_t major = 0;
};

Faults Of(int who) {
  rusage usage = {};
  getrusage(static_cast<__rusage_who>(who), &usage);
  return {usage.ru_minflt, usage.ru_majflt};
}

// Fields 10 to 13 of /proc/self/stat: minor, of children, major, of children.
void ReadStat(std::int64_t (&fields)[4]) {
  char text[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  char* at = std::strrchr(text, ')');
  if (at == nullptr) return;
  at += 2;
  for (int skip = 3; skip < 10; ++skip) at = std::strchr(at, ' ') + 1;
  for (std::int64_t& field : fields) field = std::strtoll(at, &at, 10);
}

void Read(const Range& range) { CountOther(range, 0); }

void* ReadRange(void* range) {
  Read(*static_cast<Range*>(range));
  return nullptr;
}

class Look {
 public:
  Look() : self_(Of(RUSAGE_SELF)), children_(Of(RUSAGE_CHILDREN)) {}
  void Leave(Trace& trace, const char* step) const {
    const Look now;
    const std::int64_t values[] = {now.self_.minor - self_.minor,
                                   now.self_.major - self_.major,
                                   now.children_.minor - children_.minor,
                                   now.children_.major - children_.major};
    constexpr const char* kNames[] = {"minor", "major", "children_minor",
                                      "children_major"};
    for (int i = 0; i < 4; ++i) {
      char name[48];
      std::snprintf(name, sizeof name, "%s.%s", step, kNames[i]);
      trace.Set(name, values[i]);
    }
  }

 private:
  Faults self_, children_;
};

void Thread(Trace& trace, Range& range, const char* step) {
  const Look before;
  const std::int64_t own = Of(RUSAGE_THREAD).minor;
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, ReadRange, &range);
  if (error != 0) trace.Stop("pthread_create", error);
  pthread_join(thread, nullptr);
  trace.Set("callers_minor", Of(RUSAGE_THREAD).minor - own);
  before.Leave(trace, step);
}

// Maps the pages of a disk that are cached anew, one by one.
void Minor(Trace& trace, const Range& range, const char* step) {
  if (TryAdvise(range, MADV_DONTNEED) != 0) trace.Stop("madvise", errno);
  const Look before;
  CountOther(range, 0, kApart);
  before.Leave(trace, step);
}

// No page of it is cached: each is read when it is touched, none ahead.
void Disk(Trace& trace) {
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  if (disk < 0) trace.Stop("open of the scratch disk", errno);
  const Bytes size = kCold * kApart;
  const Range range = MapAnonymous(trace, size, {.prot = PROT_NONE});
  if (mmap(range.start, static_cast<std::size_t>(size.count), PROT_READ,
           MAP_PRIVATE | MAP_FIXED, disk, 0) == MAP_FAILED) {
    trace.Stop("mmap of the disk", errno);
  }
  TryAdvise(range, MADV_RANDOM);
  const auto drop = [&] {
    TryAdvise(range, MADV_DONTNEED);
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  };
  // Once, so that its tables are there.
  CountOther(range, 0, kApart);
  drop();
  const Look cold;
  CountOther(range, 0, kApart);
  cold.Leave(trace, "cold");
  Minor(trace, range, "cached");
  drop();
  const Look before;
  Reap(StartChild(trace, [&] { CountOther(range, 0, kApart); }));
  before.Leave(trace, "cold_child");
  Unmap(trace, range);
  close(disk);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  Range ranges[5];
  for (Range& range : ranges) range = MapAnonymous(trace, kPages * kPage);
  Range first = MapAnonymous(trace, kPages * kPage);
  Thread(trace, first, "warm_up");
  { Look().Leave(trace, "warm_up"); }

  const Look nothing;
  nothing.Leave(trace, "nothing");
  const Look own;
  Read(ranges[0]);
  own.Leave(trace, "own");
  // Taken by the kernel for its caller, they are the caller's.
  const Look locked;
  if (mlock(ranges[4].start, Length(ranges[4].size)) != 0) {
    trace.Stop("mlock", errno);
  }
  locked.Leave(trace, "locked");
  munlock(ranges[4].start, Length(ranges[4].size));
  Thread(trace, ranges[1], "thread");
  const Look child;
  Reap(StartChild(trace, [&] { Read(ranges[2]); }));
  child.Leave(trace, "child");
  const Look grandchild;
  Reap(StartChild(trace,
                  [&] { Reap(StartChild(trace, [&] { Read(ranges[3]); })); }));
  grandchild.Leave(trace, "grandchild");
  Disk(trace);

  std::int64_t fields[4] = {};
  ReadStat(fields);
  const Faults self = Of(RUSAGE_SELF);
  const Faults children = Of(RUSAGE_CHILDREN);
  trace.Set("stat_off", std::llabs(fields[0] - self.minor) +
                            std::llabs(fields[1] - children.minor) +
                            std::llabs(fields[2] - self.major) +
                            std::llabs(fields[3] - children.major));
}

Oracle Expect(const Params&, const Facts&) {
  using testing::Matcher;
  const auto step = [](const std::string& name, Matcher<std::int64_t> minor,
                       Matcher<std::int64_t> major,
                       Matcher<std::int64_t> children_minor,
                       Matcher<std::int64_t> children_major) {
    return AllOf(Count(name + ".minor", minor), Count(name + ".major", major),
                 Count(name + ".children_minor", children_minor),
                 Count(name + ".children_major", children_major));
  };
  const auto some = [](std::int64_t pages) {
    return Between(pages, pages + kOwn);
  };
  return AllOf(Survives(), step("nothing", Eq(0), Eq(0), Eq(0), Eq(0)),
               step("own", Eq(kPages), Eq(0), Eq(0), Eq(0)),
               step("locked", Eq(kPages), Eq(0), Eq(0), Eq(0)),
               step("thread", some(kPages), Eq(0), Eq(0), Eq(0)),
               Count("callers_minor", Lt(kOwn)),
               step("child", some(0), Eq(0), some(kPages), Eq(0)),
               step("grandchild", some(0), Eq(0),
                    Between(kPages, kPages + 2 * kOwn), Eq(0)),
               AllOf(step("cold", Eq(0), Eq(kCold), Eq(0), Eq(0)),
                     step("cached", Eq(kCold), Eq(0), Eq(0), Eq(0)),
                     step("cold_child", some(0), Eq(0), some(0), Eq(kCold))),
               Count("stat_off", Le(2)));
}

const Register kFaults{
    {.id = "counters/faults",
     .summary = "faults count for their thread, process and reaper, once",
     .explains =
         {.claim = "Seed 0: minor faults are how memory is watched; "
                   "getrusage(2); proc(5): minflt, cminflt, majflt, cmajflt",
          .deed =
              "reads 1024 pages itself, by mlock, in a thread, a child "
              "and a grandchild; 64 pages of a disk that are not cached, then "
              "cached",
          .functions = "mm_account_fault, __exit_signal, wait_task_zombie, "
                       "getrusage, do_task_stat, filemap_fault",
          .look_at = "<step>.minor and .major are the process's own, "
                     ".children_… of those it has reaped"},
     .needs = {.alone = true, .disk = 8_MiB},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
