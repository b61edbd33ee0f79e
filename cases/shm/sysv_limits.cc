// SPDX-License-Identifier: Apache-2.0
// The limits of SysV segments are exact: shmmax to the byte, shmall to the
// page; and a locked segment stays in RAM, whatever is asked.
#include "cases/shm/sysv.h"
#include "oomgate/page_out.h"

namespace oomgate::shm {
namespace {

constexpr KernelFolder kKnobs("/proc/sys/kernel");
constexpr const char* kForced = "shm_rmid_forced";
constexpr const char* kNoLimit = "18446744073692774399";  // ULONG_MAX - 2^24
constexpr Bytes kSize = 4_MiB;

struct Segments : Scene {
  int first = -1;
  int second = -1;
  int orphan = -1;
  int locked = -1;
  Range range = {};

  // A part of a page counts as one.
  void MakeTwo() {
    first = Must(trace, "shmget", MakeSegment(200 * kPage));
    second = Must(trace, "shmget", MakeSegment(55 * kPage + 1_B));
  }
  int AttachAndRemove(int id, Bytes size) {
    range = Attach(trace, id, size);
    return TryRemove(id);
  }
  int Detach() const { return TryDetach(range); }
  // By who has ended.
  void LeaveBehind(bool attached) {
    std::atomic<std::int64_t>& made = trace.Counter("id");
    RunChild(trace, [&] {
      const int id = MakeSegment(kPage);
      if (attached) shmat(id, nullptr, 0);
      made.store(id);
    });
    orphan = static_cast<int>(made.load());
  }
  int LockWritten() {
    locked = Must(trace, "shmget", MakeSegment(kSize));
    AttachAndRemove(locked, kSize);
    WritePages(trace, range);
    return ErrnoOf(shmctl(locked, SHM_LOCK, nullptr));
  }
  bool IsLocked() const {
    shmid_ds state = {};
    return TryState(locked, state) == 0 &&
           (state.shm_perm.mode & SHM_LOCKED) != 0;
  }
  // Often enough for what may be passed over once.
  void AskFiveTimes() const {
    for (int i = 0; i < 5; ++i) TryAdvise(range, MADV_PAGEOUT);
  }
  int UnlockAndPageOut() const {
    const int error = ErrnoOf(shmctl(locked, SHM_UNLOCK, nullptr));
    PageOut(trace, range);
    return error;
  }
  bool IsThere() const {
    shmid_ds state = {};
    return TryState(orphan, state) == 0;
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  Bytes Swap() const { return ReadMapping(range).swap; }
  std::int64_t Other() const { return CountOther(range, 1); }
};

template <typename Value>
auto Knob(const char* name, Value value) {
  return [=] { return kKnobs.Write(name, value); };
}
// Whether one more of that size could be made: an errno.
auto OneMore(const char* name, Bytes size, int error) {
  return Is(
      name, [=] { return TrySegment(size); }, error);
}
auto LeaveOne(bool attached) {
  return [=](Segments& s) { s.LeaveBehind(attached); };
}

Steps<Segments> Make(const Params&, const Facts&) {
  const auto there = [](bool is) {
    return Is("there", &Segments::IsThere, is);
  };
  const auto forced = [] { return kKnobs.Number(kForced); };
  const auto locked = [] { return StatusField("VmLck"); };
  return {
      {"set shmmax to 1 MiB", Knob("shmmax", 1_MiB), OneMore("fits", 1_MiB, 0),
       OneMore("over", 1_MiB + 1_B, EINVAL)},
      {"lift it", Knob("shmmax", kNoLimit), OneMore("over", 1_MiB + 1_B, 0)},

      {"set shmall to 256 pages", Knob("shmall", 256),
       OneMore("fits", 256 * kPage, 0),
       OneMore("over", 256 * kPage + 1_B, ENOSPC)},
      {"make one of 200 and one of 56", &Segments::MakeTwo,
       OneMore("over", 1_B, ENOSPC)},
      {"remove the second", [](Segments& s) { return TryRemove(s.second); },
       OneMore("fits", 56 * kPage, 0), OneMore("over", 57 * kPage, ENOSPC)},
      // Removed, but still attached: still counted.
      {"attach the first, remove it",
       [](Segments& s) { return s.AttachAndRemove(s.first, 200 * kPage); },
       OneMore("over", 57 * kPage, ENOSPC)},
      {"detach it", &Segments::Detach, OneMore("fits", 256 * kPage, 0)},
      {"lift shmall", Knob("shmall", kNoLimit),
       OneMore("over", 256 * kPage + 1_B, 0)},

      // Segments of who has ended stay, or are gone with the last to detach.
      {"leave one behind", LeaveOne(true), Count("id", Ge(0)), there(true)},
      {"force removal", Knob(kForced, 1), there(false)},
      {"leave another behind", LeaveOne(true), Count("id", Ge(0)),
       there(false)},
      {"leave one never attached", LeaveOne(false), Count("id", Ge(0)),
       there(false)},
      {"force it no more", Knob(kForced, 0), Is("forced", forced, 0)},

      {"lock one that is written", &Segments::LockWritten,
       Is("rss", &Segments::Rss, kSize), Is("locked", &Segments::IsLocked, 1)},
      // No mapping is locked, the segment is.
      StepOf<Segments>("ask for it to be paged out", &Segments::AskFiveTimes,
                       Is("rss", &Segments::Rss, kSize),
                       Is("swap", &Segments::Swap, 0_B),
                       Is("VmLck", locked, 0_B))
          .HoldsWithout("nothing may be paged out; the next step shows that "
                        "it could be"),
      {"unlock it, page it out", &Segments::UnlockAndPageOut,
       Is("locked", &Segments::IsLocked, 0), Is("swap", &Segments::Swap, kSize),
       Is("other", &Segments::Other, 0)},
      {"detach the last", &Segments::Detach, Is("ids", SegmentIds, 0)},
  };
}

const Register kSysvLimits{
    {.id = "shm/sysv_limits",
     .summary = "SysV shm: shmmax and shmall are exact, SHM_LOCK keeps RAM",
     .claim = "Seed 1: shm; shmget(2): EINVAL, ENOSPC; shmctl(2): SHM_LOCK; "
              "Documentation/admin-guide/sysctl/kernel: shm_rmid_forced",
     .functions =
         "newseg, shm_close, exit_shm, shm_destroy_orphaned, shmem_lock",
     .look_at = "fits and over are errnos; there: whether a segment is",
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB, .alone = true},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::shm
