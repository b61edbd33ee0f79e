// SPDX-License-Identifier: Apache-2.0
// The limits of a process are exact to the page: RLIMIT_AS counts all that is
// mapped, RLIMIT_DATA what is private and writable, RLIMIT_MEMLOCK what is
// locked; what a call replaces is free for it, and what is refused not counted.
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kRoom = 1000;
constexpr Bytes kMost = 4 * kRoom * kPage;
constexpr std::int64_t kLock = 64;

struct Limits : Scene {
  Range two = {};
  Range range = MapAnonymous(trace, 4 * kLock * kPage);
  int large = Segment(kLock + 1);
  int fits = Segment(kLock);
  int small = Segment(1);

  int Segment(std::int64_t pages) const {
    return Must(trace, "shmget",
                shmget(IPC_PRIVATE, Pages(pages), IPC_CREAT | 0600));
  }
  // Two neighbours of different protection, charged to nothing else.
  void MapTwo(int first, int second) {
    two = MapBare(trace, 600 * kPage, first, kPrivate);
    Protect(trace, Part(two, 300, 300), second);
  }
  // So many pages more than there are now.
  void LimitAs(std::int64_t pages) const {
    Limit(trace, RLIMIT_AS, StatusField("VmSize") + pages * kPage);
  }
  void LimitData(std::int64_t pages) const {
    Limit(trace, RLIMIT_DATA, StatusField("VmData") + pages * kPage);
  }
  int TryMapOverTwo(std::int64_t pages) const {
    return TryMapOver(Part(two, 0, pages), kRw, kPrivate);
  }
  // Moved, its old place stays mapped: counts again.
  int TryMoveAndKeep(std::int64_t pages) const {
    Range moved = Part(two, 0, pages);
    const int error =
        TryRemap(moved, moved.size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    if (error == 0) Unmap(trace, moved);
    return error;
  }
};

// Readings.
auto Has(const char* flag, std::int64_t from) {
  return
      [=](Limits& s) { return MappingHasFlag(Part(s.two, from, 300), flag); };
}
Bytes Locked() { return StatusField("VmLck"); }

// Acts on the pages from there on.
auto Protects(std::int64_t from, int prot) {
  return [=](Limits& s) { return TryProtect(Part(s.two, from, 300), prot); };
}
auto Locks(std::int64_t from, std::int64_t pages) {
  return [=](Limits& s) { return TryLock(Part(s.range, from, pages)); };
}
auto LocksSegment(int Limits::*id) {
  return [=](Limits& s) { return ErrnoOf(shmctl(s.*id, SHM_LOCK, nullptr)); };
}

Steps<Limits> AddressSpace() {
  constexpr Bytes kAll = kRoom * kPage;
  return {
      {"AS: leave room for 1000 pages",
       [](Limits& s) {
         s.MapTwo(PROT_READ, kRw);
         s.LimitAs(kRoom);
       },
       Is("largest", MostToMap(kRw, kPrivate), kAll),
       Is("to read", MostToMap(PROT_READ, kPrivate | MAP_NORESERVE), kAll),
       Is("shared", MostToMap(kRw, kShared), kAll)},
      {"AS: map a page at the limit",
       [](Limits& s) {
         s.LimitAs(0);
         return TryMap(kPage, PROT_NONE, kPrivate);
       },
       Refused(ENOMEM)},
      // What grows by nothing needs no room.
      {"AS: make it writable", Protects(0, kRw),
       Is("writable", Has("wr", 0), 1)},
      Asks<Limits>("AS: map over all of it",
                   [](Limits& s) { return s.TryMapOverTwo(600); }),
      {"AS: map over it and 100 pages more",
       [](Limits& s) {
         Unmap(s.trace, Part(s.two, 0, 100));
         s.LimitAs(0);
         return s.TryMapOverTwo(200);
       },
       Refused(ENOMEM)},
      {"AS: the same with room for 100",
       [](Limits& s) {
         s.LimitAs(100);
         return s.TryMapOverTwo(200);
       },
       Is(
           "mapped", [](Limits& s) { return MappedPages(s.two); }, Ge(600))},
      {"AS: map a page then", AsksToMap(kPage, PROT_NONE), Refused(ENOMEM)},
      {"AS: grow by a page",
       [](Limits& s) { return TryRemap(s.two, 601 * kPage, MREMAP_MAYMOVE); },
       Refused(ENOMEM)},
      {"AS: move, keep the old place",
       [](Limits& s) { return s.TryMoveAndKeep(600); }, Refused(ENOMEM)},
      Asks<Limits>("AS: the same with room for 600",
                   [](Limits& s) {
                     s.LimitAs(600);
                     return s.TryMoveAndKeep(600);
                   }),
  };
}

Steps<Limits> Data() {
  return {
      {"DATA: leave room for 1000 pages",
       [](Limits& s) {
         Limit(s.trace, RLIMIT_AS, kUnlimited);
         Unmap(s.trace, s.two);
         s.MapTwo(kRw, PROT_READ);
         s.LimitData(kRoom);
       },
       Is("largest", MostToMap(kRw, kPrivate), kRoom * kPage)},
      Asks<Limits>("DATA: map more to read", AsksToMap(kMost, PROT_READ)),
      Asks<Limits>("DATA: map more, shared", AsksToMap(kMost, kRw, kShared)),
      {"DATA: map a page at the limit",
       [](Limits& s) {
         s.LimitData(0);
         return TryMap(kPage, kRw, kPrivate);
       },
       Refused(ENOMEM)},
      {"DATA: make it executable", Protects(0, kRw | PROT_EXEC),
       Is("executable", Has("ex", 0), 1)},
      {"DATA: map over what counts",
       [](Limits& s) { return s.TryMapOverTwo(300); },
       Is("executable", Has("ex", 0), 0)},
      {"DATA: make the other half writable", Protects(300, kRw),
       Refused(ENOMEM)},
      {"DATA: move, keep the old place",
       [](Limits& s) { return s.TryMoveAndKeep(300); }, Refused(ENOMEM)},
      Asks<Limits>("DATA: the same with room for 300",
                   [](Limits& s) {
                     s.LimitData(300);
                     return s.TryMoveAndKeep(300);
                   }),
      {"DATA: make it writable with room", Protects(300, kRw),
       Is("writable", Has("wr", 300), 1)},
  };
}

Steps<Limits> Memlock() {
  constexpr Bytes kAll = kLock * kPage;
  return {
      {"MEMLOCK: lock more than 64 pages",
       [](Limits& s) {
         Limit(s.trace, RLIMIT_DATA, kUnlimited);
         Unmap(s.trace, s.two);
         DropCapability(s.trace, CAP_IPC_LOCK);
         Limit(s.trace, RLIMIT_MEMLOCK, kLock * kPage);
         return TryLock(Part(s.range, 0, kLock + 1));
       },
       Refused(ENOMEM), Is("locked", Locked, 0_B)},
      {"MEMLOCK: lock 64", Locks(0, kLock), Is("locked", Locked, kAll)},
      StepOf<Limits>("MEMLOCK: lock them again", Locks(0, kLock),
                     Is("locked", Locked, kAll))
          .HoldsWithout("what is locked counts no second time"),
      {"MEMLOCK: lock one more", Locks(kLock, 1), Refused(ENOMEM)},
      {"MEMLOCK: map with MAP_LOCKED",
       AsksToMap(kPage, kRw, kPrivate | MAP_LOCKED), Refused(EAGAIN)},
      {"MEMLOCK: unlock them",
       [](Limits& s) { return TryUnlock(Part(s.range, 0, kLock)); },
       Is("locked", Locked, 0_B)},
      {"MEMLOCK: lock elsewhere", Locks(kLock, kLock),
       Is("locked", Locked, kAll)},
      {"SHM: lock more than 64 pages",
       [](Limits& s) {
         Unmap(s.trace, s.range);
         return LocksSegment(&Limits::large)(s);
       },
       Refused(ENOMEM)},
      {"SHM: the same again", LocksSegment(&Limits::large), Refused(ENOMEM)},
      {"SHM: lock 64", LocksSegment(&Limits::fits)},
      {"SHM: lock one more", LocksSegment(&Limits::small), Refused(ENOMEM)},
      Asks<Limits>("SHM: lock it where 64 are unlocked",
                   [](Limits& s) {
                     shmctl(s.fits, SHM_UNLOCK, nullptr);
                     return LocksSegment(&Limits::small)(s);
                   }),
      // Removed while it was locked: no longer counted.
      Asks<Limits>("SHM: lock 64 where it is removed",
                   [](Limits& s) {
                     shmctl(s.small, IPC_RMID, nullptr);
                     return LocksSegment(&Limits::fits)(s);
                   }),
      {"SHM: remove them",
       [](Limits& s) {
         for (const int id : {s.large, s.fits}) shmctl(id, IPC_RMID, nullptr);
       }},
  };
}

Steps<Limits> Make(const Params&, const Facts&) {
  return AddressSpace() + Data() + Memlock();
}

const Register kRlimits{
    {.id = "overcommit/rlimits",
     .summary = "RLIMIT_AS, _DATA and _MEMLOCK are exact, and count what they "
                "say",
     .claim = "Seed 2: what else may say \"Cannot allocate memory\"; "
              "getrlimit(2), mlock(2), shmctl(2)",
     .functions = "may_expand_vm, count_vma_pages_range, mprotect_fixup, "
                  "do_mlock, user_shm_lock",
     .suite = Suite::kQuick,
     .needs = {.alone = true},  // locked segments count for the user
     .steps = Make,
     .metrics = {
         Metric::Size("as.largest", "AS: leave room for 1000 pages.largest")
             .EitherWay(),
         Metric::Size("data.largest", "DATA: leave room for 1000 pages.largest")
             .EitherWay()}}};

}  // namespace
}  // namespace oomgate
