// SPDX-License-Identifier: Apache-2.0
// What processes are charged: a fork all that its parent is, but for what it
// does not inherit; vfork and threads nothing; a new program its own.
#include <sys/ptrace.h>

#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

std::int64_t OwnPages() { return ReadMapping(kAllMappings).accounted / kPage; }

// A child is charged what its parent has, and `more`; then it does something,
// and waits to be ended.
template <typename Body>
ChargeStep Forks(const char* name, std::int64_t more, Body body) {
  return {name,
          [=](ChargeScene& s) {
            s.Set("own", OwnPages());
            Gate ready(s.trace);
            s.child = StartChild(s.trace, [&] {
              body(s);
              ready.Open();
              WaitForever();
            });
            ready.Pass();
          },
          {{"charged", &ChargeScene::Charged, Gt(0)},
           Difference("charged", "own", more)}};
}
ChargeStep Forks(const char* name, std::int64_t more) {
  return Forks(name, more, [](ChargeScene&) {});
}
// It ends.
ChargeStep Ends(const char* name, std::int64_t more) {
  return {name,
          [](ChargeScene& s) {
            EndChild(s.child);
            s.Set("own", -OwnPages());
          },
          {{"charged", &ChargeScene::Charged, Lt(0)},
           Difference("charged", "own", more)}};
}
ChargeStep Advises(const char* name, int advice, const char* flag, bool has) {
  return Charges(
      name, 0, [=](ChargeScene& s) { return TryAdvise(s.a, advice); },
      {{flag, [=](ChargeScene& s) { return MappingHasFlag(s.a, flag); }, has}});
}

// The child has its parent's memory, and tells it what it is charged.
void Vfork(ChargeScene& s) {
  static volatile std::int64_t charged;
  const std::int64_t before = CommittedPages();
  const pid_t child = vfork();
  if (child == 0) {
    charged = CommittedPages() - before;
    _exit(0);
  }
  Reap(Must(s.trace, "vfork", child));
  s.Set("charged meanwhile", charged);
}

// A child that is stopped at the first instruction of its program.
void Exec(ChargeScene& s) {
  const Bytes before = ReadAllUsage().accounted;
  char* const arguments[] = {const_cast<char*>("oomgate-cases"), nullptr};
  char* const environment[] = {nullptr};
  s.child = Must(s.trace, "fork", fork());
  if (s.child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execve("/proc/self/exe", arguments, environment);
    _exit(1);
  }
  int status = 0;
  waitpid(s.child, &status, 0);
  if (!WIFSTOPPED(status)) s.trace.Stop("execve", EFAULT);
  s.id = static_cast<int>((ReadAllUsage().accounted - before) / kPage);
  s.Set("own", s.id);
}

ChargeSteps Make(const Params&, const Facts& f) {
  // As in mprotect: see charge_matrix_private.
  const std::int64_t back = f.kernel >= KernelVersion{6, 7} ? kN : 0;
  return {
      Maps("map", kN, kRw, kPrivate),
      Forks("fork", 0),
      Ends("end the child", 0),
      Forks("fork, the child unmaps", -kN,
            [](ChargeScene& s) { Unmap(s.trace, Part(s.a, 0, kN)); }),
      Ends("end the child that unmapped", kN),
      Forks("fork, the child protects", -back,
            [](ChargeScene& s) { Protect(s.trace, s.a, PROT_READ); }),
      Ends("end the child that protected", back),
      Advises("advise not to inherit", MADV_DONTFORK, "dc", true),
      Forks("fork, not inherited", -kN),
      Ends("end the child without it", kN),
      Advises("advise to inherit after all", MADV_DOFORK, "dc", false),
      Advises("advise to wipe it", MADV_WIPEONFORK, "wf", true),
      Forks("fork, inherited but wiped", 0),
      Ends("end the child that wiped", 0),
      // What is shared is charged once.
      Charges("map, shared", kN,
              [](ChargeScene& s) { s.b = s.New(kN, kRw, MAP_SHARED); }),
      Forks("fork, inherited but shared", 0,
            [](ChargeScene& s) { WritePages(s.trace, Part(s.b, 0, 16)); }),
      Charges("leave what is shared to the child", 0,
              [](ChargeScene& s) { Unmap(s.trace, s.b); },
              {{"mapped", [](ChargeScene& s) { return MappedPages(s.b); }, 0}}),
      Ends("end the child that shares", -kN),
      Charges("vfork", 0, Vfork, {Count("charged meanwhile", 0)}),
      // All that it had is gone, and what it has now is what it maps: a program
      // of a few MiB, neither nothing nor what its parent had.
      {"exec",
       Exec,
       {{"charged", &ChargeScene::Charged, Between<std::int64_t>(20, kN)},
        Difference("charged", "own", 0)}},
      {"end the program",
       [](ChargeScene& s) {
         EndChild(s.child);
         s.Set("own", -s.id);
       },
       {{"charged", &ChargeScene::Charged, Lt(0)},
        Difference("charged", "own", 0)}},
      Unmaps("unmap", -kN),
  };
}

const Register kChargeMatrixProcess{
    {.id = "overcommit/charge_matrix_process",
     .summary = "processes: Committed_AS follows fork, exec and exit exactly",
     .claim = "overcommit.never.charge_matrix; seed 2 on fork, vfork and "
              "MADV_DONTFORK",
     .functions = "dup_mmap, exit_mmap, setup_arg_pages, exec_mmap",
     .look_at = "own: what the parent is charged by smaps; less where a child "
                "gives it back",
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "2"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
