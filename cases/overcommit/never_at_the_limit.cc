// SPDX-License-Identifier: Apache-2.0
// In mode 2, with nothing left: what needs a charge is refused with the errno
// of its kind, what needs none goes on, and nothing refused is charged.
#include <fcntl.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
// What the deeds work on, made before there is no room.
struct Place {
  Trace& trace;
  std::int64_t pages;        // of a file: more than fit
  int file = -1;             // of tmpfs: holds what filled the room
  int empty = -1;            // an empty memfd
  char* window = nullptr;    // on all of `empty`
  char* readable = nullptr;  // 16 pages, private
  char* writable = nullptr;  // 16 pages, private
  char* zeroes = nullptr;    // `pages`, not charged
};

int MapErrno(std::int64_t pages, int prot, int flags, int fd = -1) {
  void* at = mmap(nullptr, Pages(pages), prot, flags, fd, 0);
  if (at == MAP_FAILED) return errno;
  munmap(at, Pages(pages));
  return 0;
}

int Of(bool done) { return done ? 0 : errno; }

int Segment(Place&) {
  const int id = shmget(IPC_PRIVATE, Pages(1), IPC_CREAT | 0600);
  if (id >= 0) shmctl(id, IPC_RMID, nullptr);
  return Of(id >= 0);
}

int Brk(Place&) {
  const long now = syscall(SYS_brk, 0);
  const long end = now + static_cast<long>(Pages(4));
  const bool grown = syscall(SYS_brk, end) == end;
  if (grown) syscall(SYS_brk, now);
  return grown ? 0 : ENOMEM;
}

void* Idle(void*) { return nullptr; }

int Thread(Place&) {
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, Idle, nullptr);
  if (error == 0) pthread_join(thread, nullptr);
  return error;
}

struct Deed {
  const char* name;
  int refused;  // its errno (or signal) where nothing is left
  int (*run)(Place&);
  KernelVersion since = {};  // older ones did not refuse it
};
constexpr Deed kDeeds[] = {
    {"private", ENOMEM, [](Place&) { return MapErrno(1, kRw, kPrivate); }},
    {"private_noreserve", ENOMEM,
     [](Place&) { return MapErrno(1, kRw, kPrivate | MAP_NORESERVE); }},
    {"private_r", 0,
     [](Place&) { return MapErrno(16384, PROT_READ, kPrivate); }},
    {"shared", ENOMEM,
     [](Place&) { return MapErrno(1, kRw, MAP_SHARED | MAP_ANONYMOUS); }},
    {"shared_r", ENOMEM,
     [](Place&) { return MapErrno(1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS); }},
    {"file_private", ENOMEM,
     [](Place& p) { return MapErrno(1, kRw, MAP_PRIVATE, p.file); }},
    {"file_private_r", 0,
     [](Place& p) { return MapErrno(1, PROT_READ, MAP_PRIVATE, p.file); }},
    {"file_shared", 0,
     [](Place& p) { return MapErrno(16384, kRw, MAP_SHARED, p.file); }},
    {"segment", ENOMEM, Segment},
    {"mprotect", ENOMEM,
     [](Place& p) {
       const int error = Of(mprotect(p.readable, Pages(16), kRw) == 0);
       if (error == 0) {
         mmap(p.readable, Pages(16), PROT_READ, kPrivate | MAP_FIXED, -1, 0);
       }
       return error;
     }},
    {"mremap", ENOMEM,
     [](Place& p) {
       void* at = mremap(p.writable, Pages(16), Pages(17), MREMAP_MAYMOVE);
       if (at == MAP_FAILED) return errno;
       p.writable = static_cast<char*>(at);
       mremap(at, Pages(17), Pages(16), 0);
       return 0;
     }},
    // 5.10 charges it without asking.
    {"mremap_dontunmap", ENOMEM,
     [](Place& p) {
       void* at = mremap(p.writable, Pages(16), Pages(16),
                         MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr);
       if (at == MAP_FAILED) return errno;
       munmap(at, Pages(16));
       return 0;
     },
     KernelVersion{5, 11}},
    {"brk", ENOMEM, Brk},
    {"memfd_size", 0,
     [](Place& p) {
       return Of(ftruncate(p.empty, static_cast<off_t>(Pages(2 * p.pages))) ==
                 0);
     }},
    {"tmpfs_write", ENOSPC,
     [](Place& p) {
       return Of(pwrite(p.file, p.zeroes, 1,
                        static_cast<off_t>(Pages(p.pages))) == 1);
     }},
    {"tmpfs_rewrite", 0,
     [](Place& p) {
       return Of(pwrite(p.file, p.zeroes, Pages(1), 0) == 4096);
     }},
    {"fallocate", ENOSPC,
     [](Place& p) { return Of(fallocate(p.empty, 0, 0, 4096 * 64) == 0); }},
    {"window_write", SIGBUS,
     [](Place& p) {
       char* const at = p.window;
       return SignalOf(p.trace, [at] { *static_cast<volatile char*>(at) = 1; });
     }},
    {"window_read", SIGBUS,
     [](Place& p) {
       char* const at = p.window + 4096;
       return SignalOf(p.trace,
                       [at] { (void)*static_cast<volatile char*>(at); });
     }},
    {"touch_charged", 0,
     [](Place& p) {
       *static_cast<volatile char*>(p.writable) = 1;
       return 0;
     }},
    {"fork", ENOMEM, [](Place&) { return TryFork(); }},
    {"vfork", 0, [](Place&) { return TryVfork(); }},
    {"thread", EAGAIN, Thread}};

// The deeds as they are refused and what they are charged then; "again" where
// nothing must be refused.
const char* Name(char (&name)[48], const char* deed, const char* what) {
  std::snprintf(name, sizeof name, "%s_%s", deed, what);
  return name;
}

// Each page is charged by itself, and a CPU holds back a batch of them: room
// for two and a half batches takes three, less the page that filled the last.
std::int64_t LeftRoom(const Facts& f) { return Batch(f) * 5 / 2; }
std::int64_t Fits(const Facts& f) { return Batch(f) * 3 - 1; }

void Subject(Trace& trace, const Params&, const Facts& f) {
  GrowStack<256 << 10>();
  Place place{.trace = trace, .pages = 4 * Batch(f)};
  place.file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  place.empty =
      static_cast<int>(syscall(SYS_memfd_create, "empty", MFD_CLOEXEC));
  if (place.file < 0 || place.empty < 0 ||
      ftruncate(place.empty, static_cast<off_t>(Pages(place.pages))) != 0) {
    trace.Stop("making files", errno);
  }
  const auto map = [&](std::int64_t pages, int prot, int flags, int fd) {
    void* at = mmap(nullptr, Pages(pages), prot, flags, fd, 0);
    if (at == MAP_FAILED) trace.Stop("mmap", errno);
    return static_cast<char*>(at);
  };
  place.window = map(place.pages, kRw, MAP_SHARED, place.empty);
  place.zeroes = map(place.pages, PROT_READ, kPrivate, -1);
  place.readable = map(16, PROT_READ, kPrivate, -1);
  map(1, PROT_NONE, kPrivate, -1);
  place.writable = map(16, kRw, kPrivate, -1);
  map(1, PROT_NONE, kPrivate, -1);

  const int taken = LeaveRoom(trace, Who::kUser, LeftRoom(f));
  Become(trace, Who::kUser);  // the judge has the administrator's reserve
  trace.Set("room", Room(Who::kUser));
  const std::int64_t before = CommittedPages();
  const ssize_t wrote = pwrite(place.file, place.zeroes, Pages(place.pages), 0);
  trace.Set("wrote", wrote / 4096);
  trace.Set("wrote_partly", wrote % 4096);
  trace.Set("wrote_charged", CommittedPages() - before);
  const std::int64_t full = CommittedPages();
  char name[48];
  for (const Deed& deed : kDeeds) {
    trace.Set(Name(name, deed.name, "errno"), deed.run(place));
    trace.Set(Name(name, deed.name, "charged"), CommittedPages() - full);
  }

  if (ftruncate(place.file, 0) != 0) trace.Stop("ftruncate", errno);
  trace.Set("emptied", CommittedPages() - before);
  close(taken);
  for (const Deed& deed : kDeeds) {
    trace.Set(Name(name, deed.name, "again"), deed.run(place));
  }
}

Oracle Expect(const Params&, const Facts& f) {
  std::vector<Oracle> all = {
      Survives(),
      Count("room", Eq(LeftRoom(f))),
      Count("wrote", Eq(Fits(f))),
      Count("wrote_partly", Eq(0)),
      Count("wrote_charged", Eq(Fits(f))),
      Count("emptied", Eq(0)),
  };
  char name[48];
  for (const Deed& deed : kDeeds) {
    const int refused = f.kernel < deed.since ? 0 : deed.refused;
    all.push_back(Count(Name(name, deed.name, "errno"), Eq(refused)));
    all.push_back(Count(Name(name, deed.name, "charged"), Eq(0)));
    all.push_back(Count(Name(name, deed.name, "again"), Eq(0)));
  }
  return AllOf(all);
}

const Register kNeverAtTheLimit{
    {.id = "overcommit/never_at_the_limit",
     .summary = "mode 2, nothing left: who is refused, how, and who is not",
     .explains = {.claim =
                      "overcommit.never.shmem_enospc_sigbus, .batch_overshoot, "
                      ".thread_create; seed 2 on mode 2 and fork; "
                      "seed 0 on thread stacks",
                  .deed = "leaves little room, fills it with a file in memory, "
                          "and tries everything; again when there is room",
                  .functions =
                      "__vm_enough_memory, shmem_acct_block, acct of mprotect, "
                      "mremap, brk, dup_mmap, bprm_mm_init",
                  .look_at =
                      "…_errno is errno or signal with nothing left, …_charged "
                      "pages it left behind, …_again errno with room; wrote is "
                      "the room, rounded up to the batches of a CPU"},
     .needs = {.alone = true, .settings = {{kMode, "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
