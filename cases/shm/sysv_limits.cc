// SPDX-License-Identifier: Apache-2.0
// The limits of SysV segments are exact: shmmax to the byte, shmall to the
// page; and a locked segment stays in RAM, whatever is asked.
#include <sys/ipc.h>
#include <sys/shm.h>

#include <cerrno>

#include "oomgate/case.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr const char* kMax = "/proc/sys/kernel/shmmax";
constexpr const char* kAll = "/proc/sys/kernel/shmall";
constexpr const char* kForced = "/proc/sys/kernel/shm_rmid_forced";
constexpr const char* kNoLimit = "18446744073692774399";  // ULONG_MAX - 2^24
constexpr Bytes kSize = 4_MiB;

// A new segment, or -1.
int Get(Bytes size) {
  return shmget(IPC_PRIVATE, static_cast<std::size_t>(size.count),
                IPC_CREAT | 0600);
}
int TryGet(Bytes size) {
  const int id = Get(size);
  if (id < 0) return errno;
  shmctl(id, IPC_RMID, nullptr);
  return 0;
}
bool IsThere(int id) {
  shmid_ds of = {};
  return shmctl(id, IPC_STAT, &of) == 0;
}

void Sizes(Trace& trace) {
  WriteKnob(trace, kMax, "1048576");
  trace.Set("max.fits", TryGet(1_MiB));
  trace.Set("max.over", TryGet(1_MiB + 1_B));
  WriteKnob(trace, kMax, kNoLimit);
  trace.Set("max.lifted", TryGet(1_MiB + 1_B));

  WriteKnob(trace, kAll, "256");
  trace.Set("all.fits", TryGet(256 * kPage));
  trace.Set("all.over", TryGet(256 * kPage + 1_B));
  const int first = Get(200 * kPage);
  // A part of a page counts as one.
  const int second = Get(55 * kPage + 1_B);
  trace.Set("all.two", first >= 0 && second >= 0);
  trace.Set("all.one_more", TryGet(1_B));
  shmctl(second, IPC_RMID, nullptr);
  trace.Set("all.after_remove", TryGet(56 * kPage));
  trace.Set("all.after_remove_over", TryGet(57 * kPage));
  // Removed, but still attached: still counted.
  void* const at = shmat(first, nullptr, 0);
  shmctl(first, IPC_RMID, nullptr);
  trace.Set("all.attached", TryGet(57 * kPage));
  shmdt(at);
  trace.Set("all.detached", TryGet(256 * kPage));
  WriteKnob(trace, kAll, kNoLimit);
}

// Segments of who has ended stay, or are gone with the last to detach.
void Orphans(Trace& trace) {
  const auto orphan = [&](bool attach) {
    std::atomic<std::int64_t>& made = trace.Counter("orphan");
    Reap(StartChild(trace, [&] {
      const int id = Get(kPage);
      if (attach) shmat(id, nullptr, 0);
      made.store(id);
    }));
    return static_cast<int>(made.load());
  };
  const int kept = orphan(true);
  trace.Set("orphan.kept", IsThere(kept));
  WriteKnob(trace, kForced, "1");
  trace.Set("orphan.kept_then", IsThere(kept));
  trace.Set("orphan.attached", IsThere(orphan(true)));
  trace.Set("orphan.never_attached", IsThere(orphan(false)));
  WriteKnob(trace, kForced, "0");
}

void Lock(Trace& trace) {
  const int id = Get(kSize);
  void* const at = shmat(id, nullptr, 0);
  if (at == reinterpret_cast<void*>(-1)) trace.Stop("shmat", errno);
  shmctl(id, IPC_RMID, nullptr);
  const Range range{.start = static_cast<char*>(at), .size = kSize};
  WritePages(trace, range);
  if (shmctl(id, SHM_LOCK, nullptr) != 0) trace.Stop("SHM_LOCK", errno);
  // Often enough for what may be passed over once.
  for (int i = 0; i < 5; ++i) TryAdvise(range, MADV_PAGEOUT);
  trace.Set("locked.rss", ReadMapping(range).rss);
  trace.Set("locked.swap", ReadMapping(range).swap);
  // No mapping is locked, the segment is.
  trace.Set("locked.vmlck", StatusField("VmLck"));
  shmid_ds of = {};
  shmctl(id, IPC_STAT, &of);
  trace.Set("locked.mode", (of.shm_perm.mode & SHM_LOCKED) != 0);
  if (shmctl(id, SHM_UNLOCK, nullptr) != 0) trace.Stop("SHM_UNLOCK", errno);
  PageOut(trace, range);
  trace.Set("unlocked.swap", ReadMapping(range).swap);
  trace.Set("unlocked.other", CountOther(range, 1));
  shmdt(at);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Sizes(trace);
  Orphans(trace);
  Lock(trace);
  shm_info info = {};
  shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
  trace.Set("left", info.used_ids);
}

Oracle Expect(const Params&, const Facts&) {
  const auto is = [](const char* name, std::int64_t value) {
    return Count(name, Eq(value));
  };
  return AllOf(
      Survives(),
      AllOf(is("max.fits", 0), is("max.over", EINVAL), is("max.lifted", 0)),
      AllOf(is("all.fits", 0), is("all.over", ENOSPC), is("all.two", 1),
            is("all.one_more", ENOSPC), is("all.after_remove", 0),
            is("all.after_remove_over", ENOSPC), is("all.attached", ENOSPC),
            is("all.detached", 0)),
      AllOf(is("orphan.kept", 1), is("orphan.kept_then", 0),
            is("orphan.attached", 0), is("orphan.never_attached", 0)),
      AllOf(Size("locked.rss", Eq(kSize)), Size("locked.swap", Eq(0_B)),
            Size("locked.vmlck", Eq(0_B)), is("locked.mode", 1),
            Size("unlocked.swap", Eq(kSize)), is("unlocked.other", 0)),
      is("left", 0));
}

const Register kSysvLimits{
    {.id = "shm/sysv_limits",
     .summary = "SysV shm: shmmax and shmall are exact, SHM_LOCK keeps RAM",
     .claim = "Seed 1: shm; shmget(2): EINVAL, ENOSPC; shmctl(2): SHM_LOCK; "
              "Documentation/admin-guide/sysctl/kernel: shm_rmid_forced",
     .deed = "makes segments at each limit and one more, leaves some behind, "
             "locks one and pages it out",
     .functions =
         "newseg, shm_close, exit_shm, shm_destroy_orphaned, shmem_lock",
     .look_at = "max.… and all.… are errnos; orphan.… whether a segment is "
                "still there; locked.rss: pages that got away",
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
