// SPDX-License-Identifier: Apache-2.0
// In mode 2, when a hog has taken all that it gets, others can still act: a
// small process has the user's reserve, an administrator one more; and who can
// no longer fork can vfork and kill the hog.
#include <sys/ptrace.h>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

// Pages that a shell has of its own: more than a CPU holds back.
constexpr std::int64_t kOwn = 512;

struct Shell : CommitScene {
  Range own = MapBare(trace, kOwn* kPage, kRw, kPrivate);
  pid_t large = -1;
  pid_t small = -1;

  // Takes what a process of its size gets, as a user; then waits for the end.
  template <typename Take>
  pid_t StartHog(Take take) const {
    Gate ready(trace);
    const pid_t hog = StartChild(trace, [&] {
      Become(trace, Who::kUser);
      take();
      ready.Open();
      WaitForever();
    });
    ready.Pass();
    return hog;
  }
  void Take(std::int64_t pages) const {
    MapBare(trace, pages * kPage, kRw, kPrivate);
  }
  void StartLarge();
  void StartSmall();
  int RunCommand();
  int KillSmall() { return KillByVfork(small); }
  int KillLarge() { return KillByVfork(large); }
  int KillByVfork(pid_t victim) const;
};

std::int64_t LargestPages() { return LargestMap(kRw, kPrivate, 1_TiB) / kPage; }

void Shell::StartLarge() {
  CountFromHere();
  large = StartHog([&] {
    // So large that the user's reserve no longer grows with what it maps.
    const std::int64_t reserve = kVmKnobs.Number(kUserReserve) / 4;
    MapBare(trace, reserve * 32 * kPage, PROT_READ, kPrivate);
    Take(Room(Who::kUser));
    Set("largest", LargestPages());
  });
}

// As much as a hog that is small itself gets: the user's reserve, less what it
// was charged as it was forked, and a 32nd of what it has mapped.
void Shell::StartSmall() {
  const std::int64_t taken = CommittedPages();
  small = StartHog([&] {
    const std::int64_t charged = CommittedPages() - taken;
    const std::int64_t share = NumberIn("/proc/self/statm") / 32;
    Set("expected",
        (kVmKnobs.Number(kUserReserve) / 4 - charged - share) * kPage);
    Set("gets", Room(Who::kUser) * kPage);
    // A 32nd of what it maps counts against what it may map.
    std::int64_t left = 0;
    while ((left = Room(Who::kUser)) > kOwn / 2) Take(left * 31 / 32);
  });
}

// fork, and execve of a program that is stopped at its first instruction:
// what a shell does for a command.
int Shell::RunCommand() {
  char* const arguments[] = {const_cast<char*>("oomgate-cases"), nullptr};
  char* const environment[] = {nullptr};
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execve("/proc/self/exe", arguments, environment);
    _exit(errno);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) {
    EndChild(child);
    return 0;
  }
  if (!WIFEXITED(status)) trace.Stop("execve of a command", EFAULT);
  return WEXITSTATUS(status);
}

// By a child that shares the memory of its parent, so that none is charged.
int Shell::KillByVfork(pid_t victim) const {
  const pid_t child = vfork();
  if (child == 0) _exit(kill(victim, SIGKILL) == 0 ? 0 : 1);
  if (child < 0) return errno;
  const int status = Reap(child);
  Set("signal", WTERMSIG(Reap(victim)));
  return status;
}

Steps<Shell> Make(const Params&, const Facts& f) {
  const std::int64_t slack = 2 * f.commit_slack().count;
  const auto beyond = [] { return LargestPages() - Room(Who::kAdmin); };
  const auto room = [] { return Room(Who::kAdmin) * kPage; };
  return {
      // Below a batch it is not known to be too much.
      {"start a large hog", &Shell::StartLarge, Count("largest", Batch(f) - 1),
       Is("admin's beyond the rule", beyond, 0),
       Is("admin's room", room, Ge(8_MiB))},
      Asks<Shell>("run a command", &Shell::RunCommand),
      {"start a small hog", &Shell::StartSmall, Size("gets", Gt(0_B)),
       Difference("gets", "expected", Between(-slack, slack))},
      Asks<Shell>("run a command still", &Shell::RunCommand),
      {"fork as a user",
       [](Shell& s) {
         Become(s.trace, Who::kUser);
         return TryFork();
       },
       Refused(ENOMEM)},
      {"run a command as a user", &Shell::RunCommand, Refused(ENOMEM)},
      {"kill the small hog", &Shell::KillSmall, Count("signal", SIGKILL)},
      Asks<Shell>("run a command then", &Shell::RunCommand),
      {"kill the large hog", &Shell::KillLarge, Count("signal", SIGKILL),
       Is("left", &Shell::Left, 0), Count("oom_kills", 0)},
  };
}

const Register kNeverRecovery{
    {.id = "overcommit/never_recovery",
     .summary = "mode 2: at the limit a shell can still end who took it all",
     .claim = "Seed 2: in mode 2 no command can be typed any more; "
              "Documentation/admin-guide/sysctl/vm: user_reserve_kbytes is "
              "there so that the hog can be killed",
     .functions = "__vm_enough_memory, dup_mmap, vfork",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "2")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
