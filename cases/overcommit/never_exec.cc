// SPDX-License-Identifier: Apache-2.0
// In mode 2, with nothing left, execve is refused with an errno while there is
// still somebody to tell it to: who asked lives on, and nothing is charged.
#include "cases/overcommit/exec.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr std::int64_t kArgument = 30;  // pages; 32 are allowed
constexpr int kMostArguments = 16;      // 2 MiB: a quarter of the stack

struct Program : CommitScene {
  // More than two batches.
  int many = static_cast<int>(2 * Batch(f) / kArgument + 1);
  int taken = -1;

  int Exec(int arguments) const {
    static char text[kArgument << 12];
    if (arguments > kMostArguments) trace.Stop("arguments", E2BIG);
    std::memset(text, 'x', sizeof text - 1);
    char* list[kMostArguments + 1] = {};
    std::fill_n(list, arguments, &text[0]);
    return TryExec(trace, AT_FDCWD, "/proc/self/exe", list, [] {});
  }
  int ExecOne() { return Exec(1); }
  int ExecMany() { return Exec(many); }

  // There is a first page for the arguments, not one for each: an address space
  // that is empty yet has the user's reserve of the one that asks.
  int ExecHalfway() {
    return RunChild(trace, [&] {
      LeaveRoom(trace, Who::kUser, 0);
      Become(trace, Who::kUser);
      const std::int64_t before = CommittedPages();
      Set("halfway errno", ExecMany());
      Set("charged halfway", CommittedPages() - before);
    });
  }
  // Less than nothing, so that a batch more or less does not matter.
  void TakeAll() {
    taken = LeaveRoom(trace, Who::kUser, -2 * Batch(f));
    Become(trace, Who::kUser);
  }
};

Steps<Program> Make(const Params&, const Facts&) {
  return {
      StepOf<Program>("execute with room", &Program::ExecOne, Charged(0))
          .HoldsWithout("it is refused as soon as there is none"),
      // copy_strings: E2BIG, whatever get_arg_page fails for.
      {"execute with room for some arguments", &Program::ExecHalfway,
       Count("halfway errno", E2BIG), Count("charged halfway", 0)},
      {"take all and more", &Program::TakeAll, Charged(Gt(0))},
      {"fork", TryFork, Refused(ENOMEM)},
      {"execute", &Program::ExecOne, Refused(ENOMEM)},
      {"execute with many arguments", &Program::ExecMany, Refused(ENOMEM),
       Charged(0)},
      {"give all back", [](Program& s) { return ErrnoOf(close(s.taken)); },
       Charged(Lt(0))},
      Asks<Program>("execute then", &Program::ExecOne),
      StepOf<Program>("execute with many arguments then", &Program::ExecMany,
                      Is("left", &Program::Left, 0), Count("oom_kills", 0))
          .HoldsWithout(kOnlyAsks)};
}

const Register kNeverExec{
    {.id = "overcommit/never_exec",
     .summary = "mode 2, nothing left: execve is refused, and kills nobody",
     .claim = "overcommit.never.exec_fail; seed 2; execve(2): ENOMEM, E2BIG",
     .functions = "bprm_mm_init, get_arg_page, acct_stack_growth, free_bprm",
     .look_at = "an errno of 1000 and more: the signal that killed it",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "2")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
