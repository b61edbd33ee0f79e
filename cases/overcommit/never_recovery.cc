// SPDX-License-Identifier: Apache-2.0
// In mode 2, when a hog has taken all that it gets, others can still act: a
// small process has the user's reserve, an administrator one more; and who can
// no longer fork can vfork and kill the hog.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
// Pages that a shell has of its own: more than a CPU holds back.
constexpr std::int64_t kOwn = 512;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

// fork, and execve of a program that is stopped at its first instruction:
// what a shell does for a command.
int RunCommand(Trace& trace) {
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

// Takes what a process of its size gets, as a user; then waits for the end.
template <typename Take>
pid_t StartHog(Trace& trace, Take take) {
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

// By a child that shares the memory of its parent, so that none is charged.
int KillByVfork(pid_t victim) {
  const pid_t child = vfork();
  if (child == 0) _exit(kill(victim, SIGKILL) == 0 ? 0 : 1);
  if (child < 0) return errno;
  return Reap(child);
}

std::int64_t LargestPages() { return LargestMap(kRw, kPrivate, 1_TiB) / kPage; }

void Take(Trace& trace, std::int64_t pages) {
  if (mmap(nullptr, Pages(pages), kRw, kPrivate, -1, 0) == MAP_FAILED) {
    trace.Stop("mmap of what a hog takes", errno);
  }
}

void Subject(Trace& trace, const Params&, const Facts&) {
  GrowStack<128 << 10>();
  void* own = mmap(nullptr, Pages(kOwn), kRw, kPrivate, -1, 0);
  if (own == MAP_FAILED) trace.Stop("mmap of a shell's own", errno);
  const std::int64_t before = CommittedPages();

  const pid_t large = StartHog(trace, [&] {
    // So large that the user's reserve no longer grows with what it maps.
    const std::int64_t reserve = NumberIn(kUserReserve) / 4;
    if (mmap(nullptr, Pages(reserve * 32), PROT_READ, kPrivate, -1, 0) ==
        MAP_FAILED) {
      trace.Stop("mmap of what is not charged", errno);
    }
    Take(trace, Room(Who::kUser));
    trace.Set("hog_largest", LargestPages());
  });
  trace.Set("admin_error", LargestPages() - Room(Who::kAdmin));
  trace.Set("admin_room", Room(Who::kAdmin) * kPage);
  trace.Set("admin_command", RunCommand(trace));
  // As much as a hog that is small itself gets: the user's reserve, less what
  // it was charged as it was forked, and a 32nd of what it has mapped.
  const std::int64_t taken = CommittedPages();
  const pid_t small = StartHog(trace, [&] {
    const std::int64_t charged = CommittedPages() - taken;
    const std::int64_t share = NumberIn("/proc/self/statm") / 32;
    trace.Set("small_expected",
              (NumberIn(kUserReserve) / 4 - charged - share) * kPage);
    trace.Set("small_gets", Room(Who::kUser) * kPage);
    // Of what it maps, a 32nd counts against what it may map.
    std::int64_t left = 0;
    while ((left = Room(Who::kUser)) > kOwn / 2) Take(trace, left * 31 / 32);
  });
  trace.Set("admin_still_command", RunCommand(trace));

  Become(trace, Who::kUser);
  trace.Set("user_fork", TryFork());
  trace.Set("user_command", RunCommand(trace));
  trace.Set("user_kills", KillByVfork(small));
  Reap(small);
  trace.Set("user_command_then", RunCommand(trace));
  trace.Set("user_kills_large", KillByVfork(large));
  Reap(large);
  trace.Set("left", CommittedPages() - before);
  munmap(own, Pages(kOwn));
}

Oracle Expect(const Params&, const Facts& f) {
  const std::int64_t slack = 2 * f.commit_slack().count;
  return AllOf(
      AllOf(Survives(),  // Below a batch it is not known to be too much.
            Count("hog_largest", Eq(Batch(f) - 1)), Count("admin_error", Eq(0)),
            Size("admin_room", Ge(8_MiB)), Count("admin_command", Eq(0)),
            Count("admin_still_command", Eq(0)), Size("small_gets", Gt(0_B)),
            Difference("small_gets", "small_expected", Between(-slack, slack))),
      Count("user_fork", Eq(ENOMEM)), Count("user_command", Eq(ENOMEM)),
      Count("user_kills", Eq(0)), Count("user_command_then", Eq(0)),
      Count("user_kills_large", Eq(0)), Count("left", Eq(0)),
      Count("oom_kills", Eq(0)));
}

const Register kNeverRecovery{
    {.id = "overcommit/never_recovery",
     .summary = "mode 2: at the limit a shell can still end who took it all",
     .explains =
         {.claim = "Seed 2: in mode 2 no command can be typed any more; "
                   "Documentation/admin-guide/sysctl/vm: user_reserve_kbytes "
                   "is there so that the hog can be killed",
          .deed = "a large hog takes all it gets, a small one the rest; an "
                  "administrator runs commands, a user kills by vfork",
          .functions = "__vm_enough_memory, dup_mmap, vfork",
          .look_at = "…_command is the errno of fork and execve together"},
     .needs = {.alone = true, .settings = {{kMode, "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
