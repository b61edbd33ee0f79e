// SPDX-License-Identifier: Apache-2.0
// Faults are counted for the thread that takes them, its process when it ends,
// and its parent when that reaps it: minor and major apart, none twice.
#include "cases/counters/statm.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

using testing::Matcher;

constexpr std::int64_t kPages = 1024;  // that a thread or child reads
constexpr std::int64_t kCold = 64;     // pages of a disk
constexpr Bytes kApart = 64_KiB;       // further than one fault maps around
// Of a process's or thread's own: its stack, copies after a fork.
constexpr std::int64_t kOwn = 64;

rusage Of(int who) {
  rusage usage = {};
  getrusage(static_cast<__rusage_who>(who), &usage);
  return usage;
}

auto Minor(int who) {
  return [=] { return Of(who).ru_minflt; };
}
auto Major(int who) {
  return [=] { return Of(who).ru_majflt; };
}

// By how much /proc/self/stat differs from getrusage.
std::int64_t StatOff() {
  long minor = 0, children_minor = 0, major = 0, children_major = 0;
  std::sscanf(ReadWhole("/proc/self/stat"),
              "%*d %*s %*c %*d %*d %*d %*d %*d %*u %ld %ld %ld %ld", &minor,
              &children_minor, &major, &children_major);
  const rusage self = Of(RUSAGE_SELF);
  const rusage children = Of(RUSAGE_CHILDREN);
  return std::labs(minor - self.ru_minflt) +
         std::labs(children_minor - children.ru_minflt) +
         std::labs(major - self.ru_majflt) +
         std::labs(children_major - children.ru_majflt);
}

struct Memory : Scene {
  int disk = Must(trace, "open of the scratch disk",
                  open(kScratchDisk, O_RDONLY | O_CLOEXEC));
  Range cold = MapFile(trace, disk, kCold* kApart, PROT_READ, MAP_PRIVATE);

  // So that its code, stack and tables are there.
  void Begin() const {
    MapCode();
    StatOff();
    ReadInThread();
    Advise(trace, cold, MADV_RANDOM);  // none is read ahead
    ReadDisk();
  }
  // Pages that nobody has touched.
  Range Fresh() const { return MapAnonymous(trace, kPages * kPage); }
  void Read() const { CountOther(Fresh(), 0); }
  void ReadInThread() const {
    auto read = [range = Fresh()] { CountOther(range, 0); };
    Join(StartThread(trace, read));
  }
  // No page of the disk is cached or mapped after it.
  void Drop() const {
    Advise(trace, cold, MADV_DONTNEED);
    posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
  }
  void ReadDisk() const { CountOther(cold, 0, kApart); }
};

// The faults of the process itself, and of those that it has reaped.
Row<Memory> Faults(Matcher<std::int64_t> minor, Matcher<std::int64_t> major,
                   Matcher<std::int64_t> children_minor,
                   Matcher<std::int64_t> children_major) {
  return Rows<Memory>{
      Change("minor", Minor(RUSAGE_SELF), minor),
      Change("major", Major(RUSAGE_SELF), major),
      Change("children minor", Minor(RUSAGE_CHILDREN), children_minor),
      Change("children major", Major(RUSAGE_CHILDREN), children_major)};
}

Steps<Memory> Make(const Params&, const Facts&) {
  const auto some = [](std::int64_t pages, std::int64_t processes = 1) {
    return Between(pages, pages + processes * kOwn);
  };
  return {
      {"do it all once", &Memory::Begin},
      {"do nothing", [] {}, Faults(0, 0, 0, 0)},
      {"read 1024 pages", &Memory::Read, Faults(kPages, 0, 0, 0)},
      // Taken by the kernel for its caller, they are the caller's.
      {"lock 1024 pages and unlock them",
       [](Memory& m) {
         const Range range = m.Fresh();
         Lock(m.trace, range);
         Unlock(m.trace, range);
       },
       Faults(kPages, 0, 0, 0)},
      {"read 1024 pages in a thread", &Memory::ReadInThread,
       Faults(some(kPages), 0, 0, 0),
       Change("minor of the caller", Minor(RUSAGE_THREAD), Lt(kOwn))},
      {"read 1024 pages in a child",
       [](Memory& m) { return RunChild(m.trace, [&] { m.Read(); }); },
       Faults(some(0), 0, some(kPages), 0)},
      {"read 1024 pages in a grandchild",
       [](Memory& m) {
         return RunChild(m.trace,
                         [&] { RunChild(m.trace, [&] { m.Read(); }); });
       },
       Faults(some(0), 0, some(kPages, 2), 0)},
      {"read 64 pages of a disk",
       [](Memory& m) {
         m.Drop();
         m.ReadDisk();
       },
       Faults(0, kCold, 0, 0)},
      // They are cached.
      {"map them anew",
       [](Memory& m) {
         Advise(m.trace, m.cold, MADV_DONTNEED);
         m.ReadDisk();
       },
       Faults(kCold, 0, 0, 0)},
      {"read 64 pages of a disk in a child",
       [](Memory& m) {
         m.Drop();
         return RunChild(m.trace, [&] { m.ReadDisk(); });
       },
       Faults(some(0), 0, some(0), kCold), Is("stat off", StatOff, Le(2))},
  };
}

const Register kFaults{
    {.id = "counters/faults",
     .summary = "faults count for their thread, process and reaper, once",
     .claim = "Seed 0: minor faults are how memory is watched; getrusage(2); "
              "proc(5): minflt, cminflt, majflt, cmajflt",
     .functions = "mm_account_fault, __exit_signal, wait_task_zombie, "
                  "getrusage, do_task_stat, filemap_fault",
     .needs = {.alone = true, .disk = 8_MiB},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
