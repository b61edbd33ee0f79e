// SPDX-License-Identifier: Apache-2.0
// process_mrelease(2) takes the memory of a process that was killed and cannot
// end yet, and of no other.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "cases/oom/contest.h"
#include "cases/oom/held_at_exit.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kHeld = 8_MiB;
constexpr Bytes kLocked = 48_KiB;  // of it; what anybody may lock
constexpr Bytes kCopied = 2_MiB;   // of it; of a file
// The number is the same on every architecture; old headers lack it.
constexpr long kProcessMrelease = 448;

// 0, or errno.
int Release(int pidfd, unsigned flags = 0) {
  return syscall(kProcessMrelease, pidfd, flags) == 0 ? 0 : errno;
}

void HoldLocked(Trace& trace, Bytes size) {
  const Range range = MapAnonymous(trace, size);
  if (mlock(range.start, Length(size)) != 0) trace.Stop("mlock", errno);
  WritePages(trace, range);
}

// Anonymous, too: what was written to a private mapping of a file.
void HoldCopies(Trace& trace, Bytes size) {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "case", 0U));
  if (file < 0 || ftruncate(file, size.count) != 0) trace.Stop("memfd", errno);
  WritePages(trace, MapFile(trace, file, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_NORESERVE));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Gate ready(trace);
  const pid_t child = StartPlayer(trace, ready, 1000, [&] {
    HoldAnonymous(trace, kHeld - kLocked - kCopied);
    HoldCopies(trace, kCopied);
    HoldLocked(trace, kLocked);
  });
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  trace.Set("alive.errno", Release(pidfd));
  trace.Set("alive.anon", AnonymousOf(child));
  trace.Set("flags.errno", Release(pidfd, 1));
  trace.Set("no_pidfd.errno", Release(open("/dev/null", O_RDONLY)));
  HoldAtExit(trace, child);
  kill(child, SIGKILL);
  WaitUntilHeld(trace, child);
  const Bytes tables = StatusField("VmPTE", child);
  trace.Set("killed.anon", AnonymousOf(child));
  trace.Set("killed.errno", Release(pidfd));
  trace.Set("released.anon", AnonymousOf(child));
  trace.Set("tables_released", tables - StatusField("VmPTE", child));
  trace.Set("again.errno", Release(pidfd));
  LetGo(trace, child);
  const int status = Reap(child);
  trace.Set("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  trace.Set("dead.errno", Release(pidfd));
}

Oracle Expect(const Params&, const Facts& f) {
  // What a child has beside what it was told to hold: of its parent.
  const auto held = Between(kHeld, kHeld + kOwnAnon);
  const Oracle ended =
      AllOf(Survives(), Size("alive.anon", held), Size("killed.anon", held),
            Count("signal", Eq(SIGKILL)));
  if (f.kernel < KernelVersion{5, 15}) {  // 884a7e5964e0
    return AllOf(ended, Count("alive.errno", Eq(ENOSYS)),
                 Count("killed.errno", Eq(ENOSYS)),
                 Size("released.anon", held));
  }
  // a213e5cf71cb (5.18): locked memory, too.
  const Bytes left = f.kernel < KernelVersion{5, 18} ? kLocked : 0_B;
  return AllOf(ended, Count("alive.errno", Eq(EINVAL)),
               Count("flags.errno", Eq(EINVAL)),
               Count("no_pidfd.errno", Eq(EBADF)), Count("killed.errno", Eq(0)),
               Size("released.anon", Eq(left)), Count("again.errno", Eq(0)),
               Count("dead.errno", Eq(ESRCH)));
}

const Register kProcessMreleaseCase{
    {.id = "oom/process_mrelease",
     .summary = "the memory of a killed process is taken at once",
     .explains = {.claim = "Seed 1 (OOM); process_mrelease(2), since 5.15",
                  .deed =
                      "calls it on a live child, on one that was killed and is "
                      "held at its exit by a tracer, some of its memory "
                      "locked, and on a dead one",
                  .functions = "process_mrelease, __oom_reap_task_mm, "
                               "task_will_free_mem",
                  .look_at = "released.anon is what stayed of killed.anon"},
     .suite = Suite::kQuick,
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
