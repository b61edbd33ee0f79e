// SPDX-License-Identifier: Apache-2.0
// A call that fails, wherever on its way, gives back what it was charged:
// Committed_AS is what it was, to the page.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr std::int64_t kN = 1280;
constexpr const char* kMaxMaps = "/proc/sys/vm/max_map_count";
constexpr const char* kMaxSegments = "/proc/sys/kernel/shmmni";

struct Place {
  Trace& trace;
  std::int64_t limit;         // of one call in mode 0
  char* rw = nullptr;         // kN pages, guards around
  char* r = nullptr;          // the same
  char* large_r = nullptr;    // more than the limit
  char* over = nullptr;       // halves of one mapping beyond the limit
  char* growsdown = nullptr;  // has no room below
  int socket = -1;
  int proc = -1;
  int sealed = -1;
  int garbage = -1;  // an executable that is none
};

int Of(bool done) { return done ? 0 : errno; }

int Map(std::int64_t pages, int prot, int flags, int fd = -1,
        void* where = nullptr) {
  return Of(mmap(where, Pages(pages), prot, flags, fd, 0) != MAP_FAILED);
}

int Remap(char* at, std::int64_t from, std::int64_t to, int flags,
          void* target = nullptr) {
  return Of(mremap(at, Pages(from), Pages(to), flags, target) != MAP_FAILED);
}

int Segment(std::int64_t pages) {
  return Of(shmget(IPC_PRIVATE, Pages(pages), IPC_CREAT | 0600) >= 0);
}

int Brk(std::int64_t pages) {
  const long end = syscall(SYS_brk, 0) + static_cast<long>(Pages(pages));
  return syscall(SYS_brk, end) == end ? 0 : ENOMEM;
}

// A call below a limit of the process, in pages above what it has.
template <typename Call>
int Below(int what, std::int64_t pages, Call call) {
  const auto resource = static_cast<__rlimit_resource_t>(what);
  rlimit limit = {};
  getrlimit(resource, &limit);
  limit.rlim_cur = Pages(NumberIn("/proc/self/statm") + pages);
  setrlimit(resource, &limit);
  const int error = call();
  limit.rlim_cur = limit.rlim_max;
  setrlimit(resource, &limit);
  return error;
}

// As many mappings as there are, and `more`.
template <typename Call>
int WithMaps(Place& place, int more, Call call) {
  // Not the one that the kernel shows above the address space.
  const Range all{.start = nullptr, .size = 128_TiB};
  char text[16];
  std::snprintf(text, sizeof text, "%d", ReadMapping(all).mappings + more);
  WriteKnob(place.trace, kMaxMaps, text);
  const int error = call();
  WriteKnob(place.trace, kMaxMaps, "65530");
  return error;
}

int Exec(Place& place, int fd, const char* path, std::size_t argument) {
  static volatile int error;
  static char text[256 << 10];
  std::memset(text, 'x', argument);
  text[argument] = '\0';
  char* const arguments[] = {text, nullptr};
  char* const environment[] = {nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    syscall(SYS_execveat, fd, path, arguments, environment,
            fd >= 0 ? AT_EMPTY_PATH : 0);
    error = errno;
    _exit(0);
  }
  if (child < 0) place.trace.Stop("vfork", errno);
  Reap(child);
  return error;
}

// A process id that is taken is found out when all is copied.
int LateFork(Place&) {
  static pid_t id;
  id = getpid();
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(&id);
  arguments.set_tid_size = 1;
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  if (child > 0) Reap(static_cast<pid_t>(child));
  return Of(child > 0);
}

struct Deed {
  const char* name;
  int refused;  // errno or signal
  int (*run)(Place&);
};

constexpr Deed kHeuristic[] = {
    {"map", ENOMEM, [](Place& p) { return Map(p.limit + 1, kRw, kPrivate); }},
    {"map_shared", ENOMEM,
     [](Place& p) {
       return Map(p.limit + 1, kRw, MAP_SHARED | MAP_ANONYMOUS);
     }},
    {"map_taken", EEXIST,
     [](Place& p) {
       return Map(kN, kRw, kPrivate | MAP_FIXED_NOREPLACE, -1, p.rw);
     }},
    {"map_as", ENOMEM,
     [](Place&) {
       return Below(RLIMIT_AS, kN - 1, [] { return Map(kN, kRw, kPrivate); });
     }},
    {"map_shared_as", ENOMEM,
     [](Place&) {
       return Below(RLIMIT_AS, kN - 1,
                    [] { return Map(kN, kRw, MAP_SHARED | MAP_ANONYMOUS); });
     }},
    // Charged before it is found that a socket cannot be mapped.
    {"map_socket", ENODEV,
     [](Place& p) { return Map(kN, kRw, MAP_PRIVATE, p.socket); }},
    // The same of a file of /proc, which every kernel has.
    {"map_proc", EIO,
     [](Place& p) { return Map(kN, kRw, MAP_PRIVATE, p.proc); }},
    {"map_sealed", EPERM,
     [](Place& p) { return Map(kN, kRw, MAP_SHARED, p.sealed); }},
    {"map_huge", ENOMEM,
     [](Place&) { return Map(512, kRw, kPrivate | MAP_HUGETLB); }},
    {"segment", ENOMEM, [](Place& p) { return Segment(p.limit + 1); }},
    // Charged before it is found that there is no number for it.
    {"segment_number", ENOSPC,
     [](Place& p) {
       WriteKnob(p.trace, kMaxSegments, "0");
       const int error = Segment(kN);
       WriteKnob(p.trace, kMaxSegments, "4096");
       return error;
     }},
    {"grow_sealed", EPERM,
     [](Place& p) {
       return Of(ftruncate(p.sealed, static_cast<off_t>(Pages(2 * kN))) == 0);
     }},
    {"protect", ENOMEM,
     [](Place& p) {
       return Of(mprotect(p.large_r, Pages(p.limit + 1), kRw) == 0);
     }},
    {"protect_two", ENOMEM,
     // The first mapping is charged, behind it there is a hole.
     [](Place& p) {
       const int error = Of(mprotect(p.r, Pages(kN + 1), kRw) == 0);
       mmap(p.r, Pages(kN), PROT_READ, kPrivate | MAP_FIXED, -1, 0);
       return error;
     }},
    {"protect_no_map", ENOMEM,
     [](Place& p) {
       return WithMaps(p, 0, [&p] {
         return Of(mprotect(p.r + Pages(100), Pages(kN - 200), kRw) == 0);
       });
     }},
    {"protect_one_map", ENOMEM,
     [](Place& p) {
       return WithMaps(p, 1, [&p] {
         return Of(mprotect(p.r + Pages(100), Pages(kN - 200), kRw) == 0);
       });
     }},
    {"unmap_no_map", ENOMEM,
     [](Place& p) {
       return WithMaps(p, 0, [&p] {
         return Of(munmap(p.rw + Pages(100), Pages(kN - 200)) == 0);
       });
     }},
    {"fixed_no_map", ENOMEM,
     [](Place& p) {
       return WithMaps(p, 0, [&p] {
         return Map(kN - 200, kRw, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
                    p.rw + Pages(100));
       });
     }},
    {"grow_no_map", ENOMEM,
     [](Place& p) {
       return WithMaps(p, 0, [&p] {
         return Remap(p.rw + Pages(100), 100, kN, MREMAP_MAYMOVE);
       });
     }},
    {"grow", ENOMEM,
     [](Place& p) {
       return Remap(p.rw, kN, kN + p.limit + 1, MREMAP_MAYMOVE);
     }},
    {"grow_blocked", ENOMEM,
     [](Place& p) { return Remap(p.rw, kN, kN + 1, 0); }},
    {"grow_as", ENOMEM,
     [](Place& p) {
       return Below(RLIMIT_AS, kN - 1,
                    [&p] { return Remap(p.rw, kN, 2 * kN, MREMAP_MAYMOVE); });
     }},
    {"grow_much", ENOMEM,
     [](Place& p) { return Remap(p.rw, kN, 100_TiB / kPage, MREMAP_MAYMOVE); }},
    {"move_onto_itself", EINVAL,
     [](Place& p) {
       return Remap(p.rw, kN, kN, MREMAP_MAYMOVE | MREMAP_FIXED,
                    p.rw + Pages(1));
     }},
    {"grow_into_hole", EFAULT,
     [](Place& p) { return Remap(p.rw, kN + 1, 2 * kN, MREMAP_MAYMOVE); }},
    {"heap", ENOMEM, [](Place& p) { return Brk(p.limit + 1); }},
    {"heap_as", ENOMEM,
     [](Place&) { return Below(RLIMIT_AS, kN - 1, [] { return Brk(kN); }); }},
    {"growsdown", SIGSEGV,
     [](Place& p) {
       char* const below = p.growsdown - 4096;
       return SignalOf(p.trace,
                       [below] { *static_cast<volatile char*>(below) = 1; });
     }},
    {"fork", ENOMEM,
     [](Place& p) {
       if (mprotect(p.over, Pages(p.limit), kRw) != 0 ||
           mprotect(p.over + Pages(p.limit), Pages(1), kRw) != 0) {
         return -1;
       }
       const int error = TryFork();
       munmap(p.over, Pages(p.limit + 1));
       return error;
     }},
    {"fork_late", EEXIST, LateFork},
    {"exec_none", ENOENT,
     [](Place& p) { return Exec(p, -1, "/there/is/none", 1); }},
    {"exec_garbage", ENOEXEC,
     [](Place& p) { return Exec(p, p.garbage, "", 100 << 10); }},
    {"exec_long", E2BIG,
     [](Place& p) { return Exec(p, -1, "/proc/self/exe", 200 << 10); }}};

const char* Left(char (&name)[48], const char* deed) {
  std::snprintf(name, sizeof name, "%s_left", deed);
  return name;
}

char* MapApart(Trace& trace, std::int64_t pages, int prot, int flags) {
  void* hole = mmap(nullptr, Pages(pages + 2), PROT_NONE,
                    kPrivate | MAP_NORESERVE, -1, 0);
  char* const at = static_cast<char*>(hole) + Pages(1);
  if (hole == MAP_FAILED || Map(pages, prot, flags | MAP_FIXED, -1, at) != 0) {
    trace.Stop("mmap of what is worked on", errno);
  }
  return at;
}

Place MakePlace(Trace& trace, std::int64_t limit) {
  Place place{.trace = trace, .limit = limit};
  place.rw = MapApart(trace, kN, kRw, kPrivate);
  place.r = MapApart(trace, kN, PROT_READ, kPrivate);
  munmap(place.r + Pages(kN), Pages(1));
  place.large_r = MapApart(trace, limit + 1, PROT_READ, kPrivate);
  place.over = MapApart(trace, limit + 1, PROT_READ, kPrivate);
  // Right above what can be read: the guard gap is not there.
  char* const floor = MapApart(trace, 32, PROT_READ, kPrivate);
  place.growsdown = floor + Pages(16);
  Map(16, kRw, kPrivate | MAP_GROWSDOWN | MAP_FIXED, -1, place.growsdown);
  munmap(place.growsdown - Pages(4), Pages(4));
  place.socket = socket(AF_UNIX, SOCK_STREAM, 0);
  // A kernel without sockets: a pipe cannot be mapped either, found earlier.
  int ends[2];
  if (place.socket < 0 && pipe(ends) == 0) place.socket = ends[0];
  place.proc = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
  place.sealed =
      static_cast<int>(syscall(SYS_memfd_create, "sealed", MFD_ALLOW_SEALING));
  place.garbage = static_cast<int>(syscall(SYS_memfd_create, "garbage", 0U));
  if (place.socket < 0 || place.proc < 0 || place.garbage < 0 ||
      write(place.garbage, "garbage", 7) != 7 ||
      ftruncate(place.sealed, static_cast<off_t>(Pages(kN))) != 0 ||
      fcntl(place.sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) != 0) {
    trace.Stop("making files", errno);
  }
  return place;
}

// In mode 2 it ends halfway: part was charged already.
void MeasureHalfway(Trace& trace) {
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "halfway", 0U));
  MapApart(trace, 600, kRw, kPrivate);
  MapApart(trace, 600, kRw, kPrivate);
  WriteKnob(trace, kMode, "2");
  const int taken = LeaveRoom(trace, Who::kAdmin, 1000);
  const std::int64_t before = CommittedPages();
  for (int i = 0; i < 20; ++i) trace.Set("halfway_fork", TryFork());
  trace.Set("halfway_fork_left", CommittedPages() - before);
  trace.Set("halfway_fallocate",
            Of(fallocate(fd, 0, 0, static_cast<off_t>(Pages(2500))) == 0));
  trace.Set("halfway_fallocate_left", CommittedPages() - before);
  close(taken);
  close(fd);
  WriteKnob(trace, kMode, "0");
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  GrowStack<512 << 10>();
  WriteKnob(trace, kMode, "0");
  Place place = MakePlace(trace, (f.ram + f.swap) / kPage);
  char name[48];
  for (const Deed& deed : kHeuristic) {
    const std::int64_t before = CommittedPages();
    trace.Set(deed.name, deed.run(place));
    trace.Set(Left(name, deed.name), CommittedPages() - before);
  }
  MeasureHalfway(trace);
}

Oracle Expect(const Params&, const Facts&) {
  std::vector<Oracle> all = {Survives(), Count("halfway_fork", Eq(ENOMEM)),
                             Count("halfway_fork_left", Eq(0)),
                             Count("halfway_fallocate", Eq(ENOSPC)),
                             Count("halfway_fallocate_left", Eq(0))};
  char name[48];
  for (const Deed& deed : kHeuristic) {
    all.push_back(Count(deed.name, Eq(deed.refused)));
    all.push_back(Count(Left(name, deed.name), Eq(0)));
  }
  return AllOf(all);
}

const Register kFailedCallsGiveBack{
    {.id = "overcommit/failed_calls_give_back",
     .summary = "what fails gives back its charge, wherever it failed",
     .explains =
         {.claim = "Documentation/mm/overcommit-accounting; seed 2 on calls "
                   "that are refused",
          .deed = "makes thirty kinds of calls fail: too large, no address, no "
                  "mapping or id left, a file that cannot be mapped, halfway "
                  "through; reads Committed_AS after each",
          .functions = "vm_unacct_memory in mmap_region, mprotect_fixup, "
                       "move_vma, dup_mmap, newseg, shmem_fallocate",
          .look_at = "the errno under the name of each call, and under …_left "
                     "the pages that it kept or gave back too much"},
     .blast = Blast::kMachine,
     .needs = {.no_swap = true, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
