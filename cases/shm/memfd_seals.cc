// SPDX-License-Identifier: Apache-2.0
// A sealed memfd stays as it is: what a seal forbids is refused in every way,
// what it does not forbid goes on; a seal that is refused leaves nothing.
#include <sys/uio.h>

#include "cases/shm/file.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kSize = 8 * kPage;

int NewFile(Trace& trace, unsigned flags = MFD_ALLOW_SEALING) {
  const int file = MakeMemfd(trace, kSize, flags);
  Must(trace, "write to a memfd", pwrite(file, "x", 1, 0));
  return file;
}
int Seal(int file, int seals) {
  return ErrnoOf(fcntl(file, F_ADD_SEALS, seals));
}
int SealWriting(int file) { return Seal(file, F_SEAL_WRITE); }
int SealsOf(int file) { return fcntl(file, F_GET_SEALS); }
int Write(int file) { return ErrnoOf(pwrite(file, "y", 1, 0)); }
int MapToWrite(int file) { return TryMap(kSize, kRw, MAP_SHARED, file); }
int First(int file) {
  char byte = 0;
  (void)!pread(file, &byte, 1, 0);
  return byte;
}

// What may be done to a file: an errno each.
struct Deed {
  const char* name;
  int (*run)(int file);
  int forbidden;  // the seals that forbid it: EPERM
};
constexpr int kWrites = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
constexpr off_t kEnd = kSize.count;
constexpr Deed kDeeds[] = {
    {"write", Write, kWrites},
    {"write beyond",
     [](int file) { return ErrnoOf(pwrite(file, "y", 1, kEnd)); },
     kWrites | F_SEAL_GROW},
    {"truncate", [](int file) { return ErrnoOf(ftruncate(file, kEnd / 2)); },
     F_SEAL_SHRINK},
    {"extend", [](int file) { return ErrnoOf(ftruncate(file, kEnd * 2)); },
     F_SEAL_GROW},
    {"allocate",
     [](int file) { return ErrnoOf(fallocate(file, 0, 0, kEnd * 2)); },
     F_SEAL_GROW},
    {"punch", [](int file) { return TryPunch(file, 0_B, kPage); }, kWrites},
    {"map to write", MapToWrite, kWrites},
    {"map private",
     [](int file) { return TryMap(kSize, kRw, MAP_PRIVATE, file); }, 0},
    {"map to read",
     [](int file) { return TryMap(kSize, PROT_READ, MAP_PRIVATE, file); }, 0},
    {"seal", [](int file) { return Seal(file, F_SEAL_SHRINK); }, F_SEAL_SEAL}};

constexpr std::pair<const char*, int> kSeals[] = {
    {"seal nothing", 0},
    {"seal against shrinking", F_SEAL_SHRINK},
    {"seal against growing", F_SEAL_GROW},
    {"seal against writing", F_SEAL_WRITE},
    {"seal against new writers", F_SEAL_FUTURE_WRITE},
    {"seal against seals", F_SEAL_SEAL}};

struct Memfd : Scene {
  int file = -1;
  Range range = {};
  int pipe_ends[2] = {-1, -1};

  void MapNew(int prot) {
    close(file);
    file = NewFile(trace);
    range = MapBare(trace, kSize, prot, MAP_SHARED, file);
  }
  int SealPlain() {
    file = NewFile(trace, 0);
    return SealWriting(file);
  }
  int SealMapped() {
    MapNew(kRw);
    return SealWriting(file);
  }
  int UnmapAndSeal() const {
    Unmap(trace, range);
    return SealWriting(file);
  }
  int SealPiped() {
    MapNew(PROT_READ);
    const iovec page = {range.start, Length(kPage)};
    Must(trace, "pipe", pipe(pipe_ends));
    Must(trace, "vmsplice", vmsplice(pipe_ends[1], &page, 1, 0));
    return UnmapAndSeal();
  }
  int ClosePipeAndSeal() const {
    for (const int end : pipe_ends) close(end);
    return SealWriting(file);
  }
};

// Each on a file of its own.
auto DoAll(int seals) {
  return [=](Memfd& s) {
    for (const Deed& deed : kDeeds) {
      const int file = NewFile(s.trace);
      Must(s.trace, "F_ADD_SEALS", fcntl(file, F_ADD_SEALS, seals));
      s.Set(deed.name, deed.run(file));
      close(file);
    }
  };
}

Steps<Memfd> Make(const Params&, const Facts&) {
  Steps<Memfd> steps;
  for (const auto& [name, seals] : kSeals) {
    Rows<Memfd> rows;
    for (const Deed& deed : kDeeds) {
      rows.push_back(Count(deed.name, seals & deed.forbidden ? EPERM : 0));
    }
    steps.push_back({name, DoAll(seals), rows});
  }
  const auto is = [](const char* name, int (*of)(int), int expected) {
    return Is(
        name, [=](Memfd& s) { return of(s.file); }, expected);
  };
  const Steps<Memfd> others = {
      {"seal one that allows none", &Memfd::SealPlain, Refused(EPERM),
       is("seals", SealsOf, F_SEAL_SEAL)},
      // While somebody could write by a mapping, writing cannot be forbidden.
      {"seal one that is mapped", &Memfd::SealMapped, Refused(EBUSY),
       is("seals", SealsOf, 0)},
      {"seal it against new writers",
       [](Memfd& s) { return Seal(s.file, F_SEAL_FUTURE_WRITE); },
       is("seals", SealsOf, F_SEAL_FUTURE_WRITE)},
      // A mapping that was writable before stays so.
      {"write to the mapping",
       [](Memfd& s) { *static_cast<volatile char*>(s.range.start) = 'w'; },
       is("first", First, 'w')},
      {"unmap it, seal it", &Memfd::UnmapAndSeal,
       is("seals", SealsOf, kWrites)},
      // A page in a pipe may still be read by others: it cannot be sealed yet.
      {"seal one with a page in a pipe", &Memfd::SealPiped, Refused(EBUSY),
       is("seals", SealsOf, 0), is("map", MapToWrite, 0),
       is("write", Write, 0)},
      {"close the pipe, seal it", &Memfd::ClosePipeAndSeal,
       is("seals", SealsOf, F_SEAL_WRITE), is("map", MapToWrite, EPERM)},
  };
  steps.insert(steps.end(), others.begin(), others.end());
  return steps;
}

const Register kMemfdSeals{
    {.id = "shm/memfd_seals",
     .summary = "what a seal of a memfd forbids is refused in every way",
     .claim = "Seed 1: shm; fcntl(2), file sealing; memfd_create(2)",
     .functions = "memfd_add_seals, memfd_wait_for_pins, shmem_setattr, "
                  "shmem_write_begin, seal_check_future_write",
     .look_at = "each value is an errno (1: EPERM)",
     .suite = Suite::kQuick,
     // A host may seal all of them against execution (vm.memfd_noexec).
     .needs = {.alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::shm
