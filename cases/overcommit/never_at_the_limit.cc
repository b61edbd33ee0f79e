// SPDX-License-Identifier: Apache-2.0
// In mode 2, with nothing left: what needs a charge is refused with the errno
// of its kind, what needs none goes on, and nothing refused is charged.
#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

// What is worked on, made before there is no room.
struct Place : CommitScene {
  Bytes size = 4 * Batch(f) * kPage;  // of a file: more than fits
  // A file in tmpfs: holds what filled the room.
  int file =
      Must(trace, "/tmp", open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  int empty = MakeMemfd(trace, size, MFD_CLOEXEC);
  Range window = MapBare(trace, size, kRw, MAP_SHARED, empty);
  Range zeroes = MapBare(trace, size, PROT_READ, kPrivate);
  Range readable = Map16(PROT_READ);
  Range writable = Map16(kRw);
  int taken = -1;

  Range Map16(int prot) const {
    return MapAnonymous(trace, 16 * kPage,
                        {.prot = prot,
                         .flags = kPrivate,
                         .align = kPage,
                         .pages = MapOptions::kDefault});
  }
  void LeaveLittle() {
    taken = LeaveRoom(trace, Who::kUser, RoomForThree(f));
    // The judge has the administrator's reserve.
    Become(trace, Who::kUser);
  }
  std::int64_t RoomLeft() const { return Room(Who::kUser); }
  void FillFile() const {
    Set("wrote", pwrite(file, zeroes.start, Length(size), 0));
  }
  int EmptyFile() const { return ErrnoOf(ftruncate(file, 0)); }
  int GiveBack() const { return ErrnoOf(close(taken)); }
};

struct Deed {
  const char* name;
  int refused;  // its errno (or signal) where nothing is left
  int (*run)(Place&);
  KernelVersion since = {};  // older ones did not refuse it
};
constexpr Deed kDeeds[] = {
    {"map", ENOMEM, [](Place&) { return TryMap(kPage, kRw, kPrivate); }},
    {"map, noreserve", ENOMEM,
     [](Place&) { return TryMap(kPage, kRw, kPrivate | MAP_NORESERVE); }},
    {"map to read", 0,
     [](Place&) { return TryMap(64_MiB, PROT_READ, kPrivate); }},
    {"map, shared", ENOMEM, [](Place&) { return TryMap(kPage, kRw, kShared); }},
    {"map to read, shared", ENOMEM,
     [](Place&) { return TryMap(kPage, PROT_READ, kShared); }},
    {"map a file", ENOMEM,
     [](Place& s) { return TryMap(kPage, kRw, MAP_PRIVATE, s.file); }},
    {"map a file to read", 0,
     [](Place& s) { return TryMap(kPage, PROT_READ, MAP_PRIVATE, s.file); }},
    {"map a file, shared", 0,
     [](Place& s) { return TryMap(64_MiB, kRw, MAP_SHARED, s.file); }},
    {"get a segment", ENOMEM, [](Place&) { return TrySegment(kPage); }},
    {"make writable", ENOMEM,
     [](Place& s) {
       const int error = TryProtect(s.readable, kRw);
       if (error == 0) MapOver(s.trace, s.readable, PROT_READ, kPrivate);
       return error;
     }},
    {"grow", ENOMEM,
     [](Place& s) {
       const int error = TryRemap(s.writable, 17 * kPage, MREMAP_MAYMOVE);
       if (error == 0) TryRemap(s.writable, 16 * kPage, 0);
       return error;
     }},
    // 5.10 charges it without asking.
    {"move, keep the old place", ENOMEM,
     [](Place& s) {
       Range moved = s.writable;
       const int error =
           TryRemap(moved, moved.size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
       if (error == 0) Unmap(s.trace, moved);
       return error;
     },
     KernelVersion{5, 11}},
    {"grow the heap", ENOMEM, [](Place&) { return TryBrkAndBack(4); }},
    {"size a file", 0,
     [](Place& s) { return ErrnoOf(ftruncate(s.empty, 2 * s.size.count)); }},
    {"write behind the file", ENOSPC,
     [](Place& s) {
       return ErrnoOf(pwrite(s.file, s.zeroes.start, 1, s.size.count));
     }},
    {"write to the file again", 0,
     [](Place& s) {
       const ssize_t wrote = pwrite(s.file, s.zeroes.start, 4096, 0);
       return wrote >= 0 && wrote < 4096 ? EIO : ErrnoOf(wrote);
     }},
    {"allocate of a file", ENOSPC,
     [](Place& s) { return ErrnoOf(fallocate(s.empty, 0, 0, 4096 * 64)); }},
    {"write to a mapped file", SIGBUS,
     [](Place& s) { return SignalOfWrite(s.trace, s.window.start); }},
    {"read of a mapped file", SIGBUS,
     [](Place& s) {
       char* const at = s.window.start + kPage.count;
       return SignalOf(s.trace,
                       [at] { (void)*static_cast<volatile char*>(at); });
     }},
    {"write to what is charged", 0,
     [](Place& s) {
       *static_cast<volatile char*>(s.writable.start) = 1;
       return 0;
     }},
    {"fork", ENOMEM, [](Place&) { return TryFork(); }},
    {"vfork", 0, [](Place&) { return TryVfork(); }},
    {"start a thread", EAGAIN, [](Place&) { return TryThread(); }}};

StepOf<Place> Does(const Deed& deed, const std::string& when, int refused,
                   const Row<Place>& rows) {
  if (deed.refused == SIGBUS) {
    return {when + deed.name,
            [run = deed.run](Place& s) { s.Set("signal", run(s)); },
            Count("signal", refused), rows};
  }
  return StepOf<Place>(when + deed.name, deed.run, Refused(refused), rows)
      .HoldsWithout(refused == 0 ? kOnlyAsks : "");
}

Steps<Place> Make(const Params&, const Facts& f) {
  const std::int64_t fits = FitsInThree(f);
  Steps<Place> steps = {
      {"leave little room", &Place::LeaveLittle,
       Is("room", &Place::RoomLeft, RoomForThree(f)), Charged(Gt(0))},
      {"fill it with a file", &Place::FillFile, Size("wrote", fits * kPage),
       Charged(fits)}};
  for (const Deed& deed : kDeeds) {
    steps.push_back(
        Does(deed, "", f.kernel < deed.since ? 0 : deed.refused, Charged(0)));
  }
  steps.push_back({"empty the file", &Place::EmptyFile, Charged(-fits)});
  steps.push_back({"give back all room", &Place::GiveBack, Charged(Lt(0))});
  for (const Deed& deed : kDeeds) {
    steps.push_back(Does(deed, "with room: ", 0, Oracle()));
  }
  return steps;
}

const Register kNeverAtTheLimit{
    {.id = "overcommit/never_at_the_limit",
     .summary = "mode 2, nothing left: who is refused, how, and who is not",
     .claim = "overcommit.never.shmem_enospc_sigbus, .batch_overshoot, "
              ".thread_create; seed 2: mode 2, fork; seed 0: thread stacks",
     .functions = "__vm_enough_memory, shmem_acct_block, acct of mprotect, "
                  "mremap, brk, dup_mmap, bprm_mm_init",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "2")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
