// SPDX-License-Identifier: Apache-2.0
// A SysV segment is committed in full when it is made, and until it is removed
// and nobody has it attached any more; SHM_NORESERVE puts that off to the
// touch, but not in mode 2. Its other limits are exact, too.
#include <sys/ipc.h>
#include <sys/shm.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kTouched = 1_MiB;
#ifndef SHM_NORESERVE
#define SHM_NORESERVE 010000
#endif

void Subject(Trace& trace, const Params& p, const Facts&) {
  const int flags =
      IPC_CREAT | 0600 | (p["flag"] == "noreserve" ? SHM_NORESERVE : 0);
  // Of an odd size: it counts as whole pages.
  const auto length = static_cast<std::size_t>(kSize.count - 100);
  Meminfo("Committed_AS");
  const Bytes start = Meminfo("Committed_AS");
  const auto committed = [&] { return Meminfo("Committed_AS") - start; };
  const int id = shmget(IPC_PRIVATE, length, flags);
  if (id < 0) trace.Stop("shmget", errno);
  trace.Set("made", committed());
  void* at = shmat(id, nullptr, 0);
  void* const twice = shmat(id, nullptr, SHM_RDONLY);
  if (at == reinterpret_cast<void*>(-1)) trace.Stop("shmat", errno);
  trace.Set("attached", committed());
  const Range range{.start = static_cast<char*>(at), .size = kSize};
  WritePages(trace, range.Part(0_B, kTouched));
  trace.Set("touched", committed());
  trace.Set("accounted", ReadMapping(range).accounted);
  shmid_ds of = {};
  shmctl(id, IPC_STAT, &of);
  trace.Set("attachments", static_cast<std::int64_t>(of.shm_nattch));
  shm_info info = {};
  shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
  trace.Set("info.ids", info.used_ids);
  trace.Set("info.pages", static_cast<std::int64_t>(info.shm_tot));
  trace.Set("info.rss", static_cast<std::int64_t>(info.shm_rss));
  shmctl(id, IPC_RMID, nullptr);
  trace.Set("removed", committed());
  // Still there, also for a child that inherits it.
  trace.Set("child", Reap(StartChild(trace, [&] {
              trace.Set("child_sees", range.start[kPage.count]);
            })));
  shmdt(twice);
  trace.Set("detached_once", committed());
  shmdt(at);
  trace.Set("detached", committed());
  shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info));
  trace.Set("left.ids", info.used_ids);
  trace.Set("left.pages", static_cast<std::int64_t>(info.shm_tot));

  // The machine's own limits, found by asking.
  const std::int64_t most = Meminfo("CommitLimit") / kPage;
  int refused = 0;
  const std::int64_t largest = Largest(4 * most, [&](std::int64_t pages) {
    const int one = shmget(
        IPC_PRIVATE, static_cast<std::size_t>((pages * kPage).count), flags);
    if (one < 0) {
      refused = errno;
      return false;
    }
    shmctl(one, IPC_RMID, nullptr);
    return true;
  });
  trace.Set("largest", largest * kPage);
  trace.Set("asked", 4 * most * kPage);
  trace.Set("refused", refused);
  trace.Set("room", Meminfo("CommitLimit") - Meminfo("Committed_AS"));
  trace.Set("zero", shmget(IPC_PRIVATE, 0, flags) < 0 ? errno : 0);
  trace.Set("left", committed());
}

Oracle Expect(const Params& p, const Facts& f) {
  const bool never = p["mode"] == "2";
  const bool later = p["flag"] == "noreserve" && !never;
  const Bytes made = later ? 0_B : kSize;
  const Bytes touched = later ? kTouched : kSize;
  const Oracle always = AllOf(
      Survives(), Size("made", Eq(made)), Size("attached", Eq(made)),
      Size("touched", Eq(touched)), Size("accounted", Eq(0_B)),
      Count("attachments", Eq(2)), Count("info.ids", Eq(1)),
      Count("info.pages", Eq(kSize / kPage)),
      Count("info.rss", Eq(kTouched / kPage)), Size("removed", Eq(touched)),
      Count("child", Eq(0)), Count("child_sees", Eq(1)),
      Size("detached_once", Eq(touched)), Size("detached", Eq(0_B)),
      Count("left.ids", Eq(0)), Count("left.pages", Eq(0)),
      Count("zero", Eq(EINVAL)), Size("left", Eq(0_B)));
  if (never) {
    // All that is left, less the user's reserve (1/32 of a small process).
    return AllOf(
        always, Count("refused", Eq(ENOMEM)),
        Difference("room", "largest",
                   Between<std::int64_t>(0, (1_MiB + f.commit_slack()).count)));
  }
  // Mode 0 refuses what is more than RAM and swap; mode 1 nothing.
  if (p["mode"] == "1" || later) {
    return AllOf(always, Difference("asked", "largest", Eq(0)));
  }
  return AllOf(always, Count("refused", Eq(ENOMEM)),
               Size("largest", Eq(f.ram + f.swap)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {
      {"/proc/sys/vm/overcommit_memory", std::string(p["mode"])}};
}

const Register kSysvCharge{
    {.id = "shm/sysv_charge",
     .summary = "SysV shm: committed when made, given back when last detached",
     .claim = "Seed 1: shm; seed 2: what is committed in which mode; "
              "Documentation/mm/overcommit-accounting",
     .deed = "makes, attaches twice, touches, removes and detaches a segment; "
             "bisects the largest one",
     .functions = "newseg, shmem_acct_size, shmem_unacct_size, shm_destroy",
     .look_at = "made, attached, touched, removed, detached are the growth of "
                "Committed_AS at each step",
     .needs = {.alone = true},
     .adjust = Adjust,
     .params = {{"mode", {"0", "1", "2"}}, {"flag", {"none", "noreserve"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("largest").EitherWay()}}};

}  // namespace
}  // namespace oomgate
