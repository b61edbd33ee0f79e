// SPDX-License-Identifier: Apache-2.0
// In mode 2, with nothing left, execve is refused with an errno while there is
// still somebody to tell it to: who asked lives on, and nothing is charged.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kArgument = 30;  // pages; 32 are allowed
constexpr int kMostArguments = 16;      // 2 MiB: a quarter of the stack

// By a child that shares the memory of its parent, so that nothing else is
// charged: the errno of execve; 0 where the program is stopped at its first
// instruction; 1000 and its signal where the child is killed.
int Exec(Trace& trace, int arguments) {
  static volatile int error;
  static char text[kArgument << 12];
  std::memset(text, 'x', sizeof text - 1);
  char* list[kMostArguments + 1] = {};
  for (int i = 0; i < arguments; ++i) list[i] = text;
  char* const environment[] = {nullptr};
  error = 0;
  const pid_t child = vfork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", list, environment, 0);
    error = errno;
    _exit(0);
  }
  if (child < 0) trace.Stop("vfork", errno);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) {
    EndChild(child);
    // What would have killed it stops it as well.
    const int signal = WSTOPSIG(status);
    return signal == SIGTRAP ? 0 : 1000 + signal;
  }
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : error;
}

// More than two batches.
int ManyArguments(const Facts& f) {
  return static_cast<int>(2 * Batch(f) / kArgument + 1);
}

// There is a first page for the arguments, not one for each: an address space
// that is empty yet has the user's reserve of the one that asks.
void Halfway(Trace& trace, const Facts& f) {
  LeaveRoom(trace, Who::kUser, 0);
  Become(trace, Who::kUser);
  const std::int64_t before = CommittedPages();
  trace.Set("halfway", Exec(trace, ManyArguments(f)));
  trace.Set("halfway_charged", CommittedPages() - before);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  if (ManyArguments(f) > kMostArguments) trace.Stop("arguments", E2BIG);
  GrowStack<64 << 10>();
  const std::int64_t start = CommittedPages();
  trace.Set("with_room", Exec(trace, 1));
  trace.Set("with_room_charged", CommittedPages() - start);
  trace.Set("halfway_status",
            Reap(StartChild(trace, [&] { Halfway(trace, f); })));

  // Less than nothing, so that a batch more or less does not matter.
  const int taken = LeaveRoom(trace, Who::kUser, -2 * Batch(f));
  Become(trace, Who::kUser);
  const std::int64_t before = CommittedPages();
  trace.Set("fork", TryFork());
  trace.Set("exec", Exec(trace, 1));
  trace.Set("exec_many", Exec(trace, ManyArguments(f)));
  trace.Set("charged", CommittedPages() - before);
  close(taken);
  trace.Set("then", Exec(trace, 1));
  trace.Set("then_many", Exec(trace, ManyArguments(f)));
  trace.Set("left", CommittedPages() - start);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      AllOf(Survives(), Count("with_room", Eq(0)),
            Count("with_room_charged", Eq(0)), Count("halfway_status", Eq(0)),
            // copy_strings: whatever get_arg_page fails for.
            Count("halfway", Eq(E2BIG)), Count("halfway_charged", Eq(0))),
      Count("fork", Eq(ENOMEM)), Count("exec", Eq(ENOMEM)),
      Count("exec_many", Eq(ENOMEM)), Count("charged", Eq(0)),
      Count("then", Eq(0)), Count("then_many", Eq(0)), Count("left", Eq(0)),
      Count("oom_kills", Eq(0)));
}

const Register kNeverExec{
    {.id = "overcommit/never_exec",
     .summary = "mode 2, nothing left: execve is refused, and kills nobody",
     .explains =
         {.claim = "overcommit.never.exec_fail; seed 2: in mode 2 no command "
                   "can be started any more; execve(2): ENOMEM, E2BIG",
          .deed = "executes itself by vfork with room, with room for some of "
                  "many arguments, and with none",
          .functions = "bprm_mm_init, insert_vm_struct, get_arg_page, "
                       "acct_stack_growth, free_bprm",
          .look_at = "each is an errno, or 1000 and the signal that killed it; "
                     "…_charged are pages that a refused one kept"},
     .needs = {.alone = true, .settings = {{kMode, "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
