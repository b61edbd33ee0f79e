// SPDX-License-Identifier: Apache-2.0
// A call that fails, wherever on its way, gives back what it was charged:
// Committed_AS is what it was, to the page.
#include <linux/sched.h>
#include <sys/socket.h>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/exec.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kN = 1280;
constexpr const char* kMaxSegments = "/proc/sys/kernel/shmmni";

struct Place : CommitScene {
  std::int64_t limit = (f.ram + f.swap) / kPage;  // of one call in mode 0
  Range rw = Apart(kN, kRw);
  Range r = BeforeHole(Apart(kN, PROT_READ));
  Range large_r = Apart(limit + 1, PROT_READ);
  Range over = Apart(limit + 1, PROT_READ);  // becomes more than the limit
  Range stack = Stack();                     // has no room below
  int socket = Socket();
  int proc =
      Must(trace, "/proc/meminfo", open("/proc/meminfo", O_RDONLY | O_CLOEXEC));
  int sealed = Sealed();
  int garbage = Garbage();  // a program that is none
  int halfway = MakeMemfd(trace);
  int taken = -1;
  std::int64_t own = Charged();  // by what is made here

  Range Apart(std::int64_t pages, int prot) const {
    return MapAnonymous(trace, pages * kPage,
                        {.prot = prot,
                         .flags = kPrivate,
                         .align = kPage,
                         .pages = MapOptions::kDefault});
  }
  Range BeforeHole(const Range& range) const {
    Unmap(trace, {.start = range.end(), .size = kPage});
    return range;
  }
  // Right above what can be read: the guard gap is not there.
  Range Stack() const {
    const Range all = Apart(32, PROT_READ);
    MapOver(trace, Part(all, 16, 16), kRw, kPrivate | MAP_GROWSDOWN);
    Unmap(trace, Part(all, 12, 4));
    return Part(all, 16, 16);
  }
  int Socket() const {
    const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
    // A kernel without sockets: a pipe cannot be mapped either, found earlier.
    int ends[2] = {-1, -1};
    if (made < 0) Must(trace, "pipe", pipe(ends));
    return made < 0 ? ends[0] : made;
  }
  int Sealed() const {
    const int file = MakeMemfd(trace, kN * kPage, MFD_ALLOW_SEALING);
    Must(trace, "sealing",
         fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW));
    return file;
  }
  int Garbage() const {
    const int file = MakeMemfd(trace);
    Must(trace, "write", write(file, "garbage", 7));
    return file;
  }
};

// An act with RLIMIT_AS so many pages above what there is.
template <typename Act>
auto WithRoomFor(std::int64_t pages, Act act) {
  return [=](Place& s) {
    Limit(s.trace, RLIMIT_AS, (NumberIn("/proc/self/statm") + pages) * kPage);
    const int error = act(s);
    Limit(s.trace, RLIMIT_AS, kUnlimited);
    return error;
  };
}

// An act with room for `more` mappings than there are.
template <typename Act>
auto WithMaps(int more, Act act) {
  return [=](Place& s) {
    kVmKnobs.Set(s.trace, kMaxMaps, ReadMapping(kAllMappings).mappings + more);
    const int error = act(s);
    kVmKnobs.Set(s.trace, kMaxMaps, 65530);
    return error;
  };
}

// Acts that map a file, and grow a part of `rw`.
auto MapsFile(int Place::*file, int flags) {
  return [=](Place& s) { return TryMap(kN * kPage, kRw, flags, s.*file); };
}
auto Grows(std::int64_t from, std::int64_t pages, std::int64_t to,
           int flags = MREMAP_MAYMOVE, std::int64_t target = 0) {
  return [=](Place& s) {
    Range part = Part(s.rw, from, pages);
    return TryRemap(part, to * kPage, flags,
                    target == 0 ? nullptr : s.rw.start + Pages(target));
  };
}
int Protects(Place& s) { return TryProtect(Part(s.r, 100, kN - 200), kRw); }

int Unmaps(Place& s) { return TryUnmap(Part(s.rw, 100, kN - 200)); }

int MapsOver(Place& s) {
  return TryMapOver(Part(s.rw, 100, kN - 200), kRw, kShared);
}

// Charged before it is found that there is no number for it.
int GetsSegment(Place& s) {
  WriteKnob(s.trace, kMaxSegments, "0");
  const int error = TrySegment(kN * kPage);
  WriteKnob(s.trace, kMaxSegments, "4096");
  return error;
}

// The mapping is charged, behind it there is a hole.
int ProtectsWithHole(Place& s) {
  const int error = TryProtect(Part(s.r, 0, kN + 1), kRw);
  MapOver(s.trace, s.r, PROT_READ, kPrivate);
  return error;
}

// Each half is allowed, both are not.
int Forks(Place& s) {
  Protect(s.trace, Part(s.over, 0, s.limit), kRw);
  Protect(s.trace, Part(s.over, s.limit, 1), kRw);
  const int error = TryFork();
  Unmap(s.trace, Part(s.over, 0, s.limit + 1));
  return error;
}

// That a process id is taken is found out when all is copied.
int ForksLate() {
  static pid_t id;
  id = getpid();
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(&id);
  arguments.set_tid_size = 1;
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  if (child > 0) Reap(static_cast<pid_t>(child));
  return ErrnoOf(child);
}

int Exec(Trace& trace, int folder, const char* path, std::size_t argument) {
  static char text[256 << 10];
  std::memset(text, 'x', argument);
  text[argument] = '\0';
  char* const arguments[] = {text, nullptr};
  return TryExec(trace, folder, path, arguments, [] {});
}
auto Execs(const char* path, std::size_t argument) {
  return [=](Place& s) { return Exec(s.trace, -1, path, argument); };
}
int ExecsGarbage(Place& s) { return Exec(s.trace, s.garbage, "", 100 << 10); }

void GrowsStack(Place& s) {
  s.Set("signal", SignalOfWrite(s.trace, s.stack.start - kPage.count));
}

void LeavesRoom(Place& s) {
  s.Apart(600, kRw);
  s.Apart(600, kRw);
  kVmKnobs.Set(s.trace, kMode, 2);
  s.taken = LeaveRoom(s.trace, Who::kAdmin, 1000);
}
void ForksTwentyTimes(Place& s) {
  for (int i = 0; i < 20; ++i) s.trace.Add("refused", TryFork() == ENOMEM);
}
void GivesRoomBack(Place& s) {
  close(s.taken);
  kVmKnobs.Set(s.trace, kMode, 0);
}

const Row<Place> kLeft{"left", &Place::Charged, 0};

template <typename Act>
StepOf<Place> Fails(const char* name, int error, Act act) {
  return {name, act, {Refused(error), kLeft}};
}

Steps<Place> Make(const Params&, const Facts& f) {
  const std::int64_t limit = (f.ram + f.swap) / kPage;
  const Bytes over = (limit + 1) * kPage;
  constexpr Bytes kSize = kN * kPage;
  return {
      Fails("map too much", ENOMEM, AsksToMap(over)),
      Fails("map too much, shared", ENOMEM, AsksToMap(over, kRw, kShared)),
      Fails("map where something is", EEXIST,
            [](Place& s) {
              return ErrnoOf(mmap(s.rw.start, Pages(kN), kRw,
                                  kPrivate | MAP_FIXED_NOREPLACE, -1, 0));
            }),
      Fails("map beyond RLIMIT_AS", ENOMEM,
            WithRoomFor(kN - 1, AsksToMap(kSize))),
      Fails("map beyond RLIMIT_AS, shared", ENOMEM,
            WithRoomFor(kN - 1, AsksToMap(kSize, kRw, kShared))),
      // Charged before it is found that a socket cannot be mapped.
      Fails("map a socket", ENODEV, MapsFile(&Place::socket, MAP_PRIVATE)),
      // The same of a file of /proc, which every kernel has.
      Fails("map a file of /proc", EIO, MapsFile(&Place::proc, MAP_PRIVATE)),
      Fails("map a sealed file", EPERM, MapsFile(&Place::sealed, MAP_SHARED)),
      Fails("map a huge page", ENOMEM,
            AsksToMap(kHugePage, kRw, kPrivate | MAP_HUGETLB)),
      Fails("get too large a segment", ENOMEM,
            [=] { return TrySegment((limit + 1) * kPage); }),
      Fails("get one segment too many", ENOSPC, GetsSegment),
      Fails("grow a sealed file", EPERM,
            [](Place& s) {
              return ErrnoOf(ftruncate(s.sealed, 2 * kSize.count));
            }),
      Fails("make too much writable", ENOMEM,
            [](Place& s) { return TryProtect(s.large_r, kRw); }),
      Fails("make it and a hole writable", ENOMEM, ProtectsWithHole),
      Fails("protect, no mapping left", ENOMEM, WithMaps(0, Protects)),
      Fails("protect, one mapping left", ENOMEM, WithMaps(1, Protects)),
      Fails("unmap, no mapping left", ENOMEM, WithMaps(0, Unmaps)),
      Fails("map over it, no mapping left", ENOMEM, WithMaps(0, MapsOver)),
      Fails("grow, no mapping left", ENOMEM, WithMaps(0, Grows(100, 100, kN))),
      Fails("grow too much", ENOMEM, Grows(0, kN, kN + limit + 1)),
      Fails("grow where something is", ENOMEM, Grows(0, kN, kN + 1, 0)),
      Fails("grow beyond RLIMIT_AS", ENOMEM,
            WithRoomFor(kN - 1, Grows(0, kN, 2 * kN))),
      Fails("grow beyond all addresses", ENOMEM, Grows(0, kN, 100_TiB / kPage)),
      Fails("move onto itself", EINVAL,
            Grows(0, kN, kN, MREMAP_MAYMOVE | MREMAP_FIXED, 1)),
      Fails("grow it and a page behind it", EFAULT, Grows(0, kN + 1, 2 * kN)),
      Fails("grow the heap too much", ENOMEM,
            [=] { return TryBrk(limit + 1); }),
      Fails("grow the heap beyond RLIMIT_AS", ENOMEM,
            WithRoomFor(kN - 1, [](Place&) { return TryBrk(kN); })),
      {"grow a stack onto something",
       GrowsStack,
       {Count("signal", SIGSEGV), kLeft}},
      Fails("fork with too much", ENOMEM, Forks),
      Fails("fork to an id that is taken", EEXIST, ForksLate),
      Fails("execute what is not there", ENOENT, Execs("/there/is/none", 1)),
      Fails("execute garbage", ENOEXEC, ExecsGarbage),
      Fails("execute with too long an argument", E2BIG,
            Execs("/proc/self/exe", 200 << 10)),

      // It ends halfway: a part was charged already.
      {"leave room for 1000 pages, in mode 2",
       LeavesRoom,
       {{"charged", &Place::Charged, Ge(1200)}}},
      {"fork twenty times", ForksTwentyTimes, {Count("refused", 20), kLeft}},
      Fails("allocate 2500 pages of a file", ENOSPC,
            [](Place& s) {
              return ErrnoOf(fallocate(s.halfway, 0, 0, Pages(2500)));
            }),
      {"give the room back, to mode 0",
       GivesRoomBack,
       {{"charged", &Place::Charged, Lt(0)}}},
  };
}

const Register kFailedCallsGiveBack{
    {.id = "overcommit/failed_calls_give_back",
     .summary = "what fails gives back its charge, wherever it failed",
     .claim = "Documentation/mm/overcommit-accounting; seed 2 on calls that "
              "are refused",
     .functions = "vm_unacct_memory in mmap_region, mprotect_fixup, move_vma, "
                  "dup_mmap, newseg, shmem_fallocate",
     .look_at = "left: pages that a call kept or gave back too much",
     .blast = Blast::kMachine,
     .needs = {.no_swap = true,
               .alone = true,
               .settings = {kVmKnobs.With(kMode, "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
