// SPDX-License-Identifier: Apache-2.0
// process_mrelease(2) takes the memory of a process that was killed and cannot
// end yet, and of no other.
#include "cases/oom/contest.h"
#include "cases/oom/held_at_exit.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kHeld = 8_MiB;
constexpr Bytes kLocked = 48_KiB;  // of it; what anybody may lock
constexpr Bytes kCopied = 2_MiB;   // of it; of a file

int Release(int pidfd, unsigned flags = 0) {
  // SYS_process_mrelease on every architecture; old headers lack it.
  return ErrnoOf(syscall(448, pidfd, flags));
}

struct Held : Scene {
  Gate ready{trace};
  pid_t child = StartPlayer(trace, ready, 1000, [&] {
    HoldAnonymous(trace, kHeld - kLocked - kCopied);
    // Anonymous, too: what was written to a private mapping of a file.
    WritePages(trace,
               MapFile(trace, MakeMemfd(trace, kCopied), kCopied,
                       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE));
    const Range locked = MapAnonymous(trace, kLocked);
    Lock(trace, locked);
    WritePages(trace, locked);
  });
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));

  int ReleaseIt() const { return Release(pidfd); }
  Bytes Anonymous() const { return AnonymousOf(child); }
};

Steps<Held> Make(const Params&, const Facts& f) {
  const bool there = f.kernel >= KernelVersion{5, 15};  // 884a7e5964e0
  const auto gives = [&](int error) { return Refused(there ? error : ENOSYS); };
  // What a child has beside what it was told to hold: of its parent.
  const auto all = Between(kHeld, kHeld + kOwnAnon);
  // a213e5cf71cb (5.18): locked memory, too.
  const Bytes left = f.kernel < KernelVersion{5, 18} ? kLocked : 0_B;
  const auto anon = [](const testing::Matcher<Bytes>& is) {
    return Is("anon", &Held::Anonymous, is);
  };
  const auto rest = there ? anon(left) : anon(all);
  return {
      {"release a live one", &Held::ReleaseIt, gives(EINVAL), anon(all)},
      {"release with flags", [](Held& s) { return Release(s.pidfd, 1); },
       gives(EINVAL)},
      {"release what is no process",
       [] { return Release(open("/dev/null", O_RDONLY)); }, gives(EBADF)},
      {"kill it, held at its exit",
       [](Held& s) {
         HoldAtExit(s.trace, s.child);
         kill(s.child, SIGKILL);
         WaitUntilHeld(s.trace, s.child);
       },
       anon(all)},
      {"release it", &Held::ReleaseIt, gives(0), rest},
      StepOf<Held>("release it again", &Held::ReleaseIt, gives(0), rest)
          .HoldsWithout("the step before shows that it releases at all"),
      {"let it end", [](Held& s) { s.Set("signal", LetEnd(s.trace, s.child)); },
       Count("signal", SIGKILL)},
      {"release the dead", &Held::ReleaseIt, gives(ESRCH)},
  };
}

const Register kProcessMreleaseCase{
    {.id = "oom/process_mrelease",
     .summary = "the memory of a killed process is taken at once",
     .claim = "Seed 1 (OOM); process_mrelease(2), since 5.15",
     .functions = "process_mrelease, __oom_reap_task_mm, task_will_free_mem",
     .suite = Suite::kQuick,
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
