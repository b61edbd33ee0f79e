// SPDX-License-Identifier: Apache-2.0
// A sealed memfd stays as it is: what a seal forbids is refused in every way,
// what it does not forbid goes on; a seal that is refused leaves nothing.
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8 * kPage;
constexpr int kRw = PROT_READ | PROT_WRITE;

int Of(bool done) { return done ? 0 : errno; }

int NewFile(Trace& trace, unsigned flags = MFD_ALLOW_SEALING) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", flags));
  if (file < 0 || ftruncate(file, kSize.count) != 0 ||
      pwrite(file, "x", 1, 0) != 1) {
    trace.Stop("memfd", errno);
  }
  return file;
}

int Seal(int file, int seals) {
  return Of(fcntl(file, F_ADD_SEALS, seals) == 0);
}

int TryMapping(int file, int prot, int flags) {
  void* const at = mmap(nullptr, Length(kSize), prot, flags, file, 0);
  if (at == MAP_FAILED) return errno;
  munmap(at, Length(kSize));
  return 0;
}

// What may be done to a file: an errno each.
struct Deed {
  const char* name;
  int (*run)(int file);
  int forbidden;  // the seals that forbid it: EPERM
};
constexpr Deed kDeeds[] = {
    {"write", [](int file) { return Of(pwrite(file, "y", 1, 0) == 1); },
     F_SEAL_WRITE | F_SEAL_FUTURE_WRITE},
    {"write_beyond",
     [](int file) { return Of(pwrite(file, "y", 1, kSize.count) == 1); },
     F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_GROW},
    {"truncate",
     [](int file) { return Of(ftruncate(file, kSize.count / 2) == 0); },
     F_SEAL_SHRINK},
    {"extend",
     [](int file) { return Of(ftruncate(file, kSize.count * 2) == 0); },
     F_SEAL_GROW},
    {"allocate",
     [](int file) { return Of(fallocate(file, 0, 0, kSize.count * 2) == 0); },
     F_SEAL_GROW},
    {"punch",
     [](int file) {
       return Of(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                           kPage.count) == 0);
     },
     F_SEAL_WRITE | F_SEAL_FUTURE_WRITE},
    {"map_rw", [](int file) { return TryMapping(file, kRw, MAP_SHARED); },
     F_SEAL_WRITE | F_SEAL_FUTURE_WRITE},
    {"map_private", [](int file) { return TryMapping(file, kRw, MAP_PRIVATE); },
     0},
    {"map_r", [](int file) { return TryMapping(file, PROT_READ, MAP_PRIVATE); },
     0},
    {"seal", [](int file) { return Seal(file, F_SEAL_SHRINK); }, F_SEAL_SEAL}};

struct Kind {
  const char* name;
  int seals;
};
constexpr Kind kKinds[] = {{"none", 0},
                           {"shrink", F_SEAL_SHRINK},
                           {"grow", F_SEAL_GROW},
                           {"written", F_SEAL_WRITE},
                           {"future", F_SEAL_FUTURE_WRITE},
                           {"sealed", F_SEAL_SEAL}};

const char* Name(const char* kind, const char* deed) {
  static char name[48];
  std::snprintf(name, sizeof name, "%s.%s", kind, deed);
  return name;
}

// A page in a pipe may still be read by others: it cannot be sealed yet.
void Pinned(Trace& trace) {
  const int file = NewFile(trace);
  void* const at = mmap(nullptr, Length(kSize), PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  int ends[2];
  iovec page = {at, static_cast<std::size_t>(kPage.count)};
  if (pipe(ends) != 0 || vmsplice(ends[1], &page, 1, 0) != kPage.count) {
    trace.Stop("vmsplice", errno);
  }
  munmap(at, Length(kSize));
  trace.Set("pinned.errno", Seal(file, F_SEAL_WRITE));
  trace.Set("pinned.seals", fcntl(file, F_GET_SEALS));
  trace.Set("pinned.map", TryMapping(file, kRw, MAP_SHARED));
  trace.Set("pinned.write", Of(pwrite(file, "z", 1, 0) == 1));
  close(ends[0]);
  close(ends[1]);
  trace.Set("freed.errno", Seal(file, F_SEAL_WRITE));
  trace.Set("freed.seals", fcntl(file, F_GET_SEALS));
  trace.Set("freed.map", TryMapping(file, kRw, MAP_SHARED));
  close(file);
}

// While somebody could write by a mapping, writing cannot be forbidden.
void Mapped(Trace& trace) {
  const int file = NewFile(trace);
  void* const at = mmap(nullptr, Length(kSize), kRw, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) trace.Stop("mmap", errno);
  trace.Set("mapped.errno", Seal(file, F_SEAL_WRITE));
  trace.Set("mapped.seals", fcntl(file, F_GET_SEALS));
  trace.Set("mapped.future", Seal(file, F_SEAL_FUTURE_WRITE));
  // Who had it before goes on.
  *static_cast<volatile char*>(at) = 'w';
  char seen = 0;
  (void)!pread(file, &seen, 1, 0);
  trace.Set("mapped.seen", seen);
  munmap(at, Length(kSize));
  trace.Set("unmapped.errno", Seal(file, F_SEAL_WRITE));
  close(file);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  for (const Kind& kind : kKinds) {
    for (const Deed& deed : kDeeds) {
      const int file = NewFile(trace);
      if (kind.seals != 0) Seal(file, kind.seals);
      trace.Set(Name(kind.name, deed.name), deed.run(file));
      close(file);
    }
  }
  const int plain = NewFile(trace, 0);
  trace.Set("plain.seals", fcntl(plain, F_GET_SEALS));
  trace.Set("plain.errno", Seal(plain, F_SEAL_WRITE));
  close(plain);
  Mapped(trace);
  Pinned(trace);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle all = Survives();
  for (const Kind& kind : kKinds) {
    for (const Deed& deed : kDeeds) {
      const int error = (kind.seals & deed.forbidden) != 0 ? EPERM : 0;
      all = AllOf(all, Count(Name(kind.name, deed.name), Eq(error)));
    }
  }
  return AllOf(
      all, Count("plain.seals", Eq(F_SEAL_SEAL)),
      Count("plain.errno", Eq(EPERM)),
      AllOf(Count("mapped.errno", Eq(EBUSY)), Count("mapped.seals", Eq(0)),
            Count("mapped.future", Eq(0)), Count("mapped.seen", Eq('w')),
            Count("unmapped.errno", Eq(0))),
      AllOf(Count("pinned.errno", Eq(EBUSY)), Count("pinned.seals", Eq(0)),
            Count("pinned.map", Eq(0)), Count("pinned.write", Eq(0)),
            Count("freed.errno", Eq(0)), Count("freed.seals", Eq(F_SEAL_WRITE)),
            Count("freed.map", Eq(EPERM))));
}

const Register kMemfdSeals{
    {.id = "shm/memfd_seals",
     .summary = "what a seal of a memfd forbids is refused in every way",
     .claim = "Seed 1: shm; fcntl(2), file sealing; memfd_create(2)",
     .deed = "with each seal writes, grows, shrinks, punches and maps; seals "
             "what is mapped, or still in a pipe",
     .functions = "memfd_add_seals, memfd_wait_for_pins, shmem_setattr, "
                  "shmem_write_begin, seal_check_future_write",
     .look_at = "<seal>.<deed> is an errno (1: EPERM); pinned.map that a seal "
                "which was refused forbids after all",
     .suite = Suite::kQuick,
     // A host may seal all of them against execution (vm.memfd_noexec).
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
