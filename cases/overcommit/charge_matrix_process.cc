// SPDX-License-Identifier: Apache-2.0
// What processes are charged: a fork all that its parent is, but for what it
// does not inherit; vfork and threads nothing; a new program its own.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "cases/overcommit/charge.h"

namespace oomgate {
namespace {

constexpr int kRw = PROT_READ | PROT_WRITE;
constexpr std::int64_t kN = kObject;

std::int64_t OwnPages() {
  return ReadMapping({.start = nullptr, .size = 128_TiB}).accounted / kPage;
}

// A child that waits to be ended, in whatever state `body` leaves it.
template <typename Body>
void Fork(ChargeScene& s, Body body) {
  Gate ready(s.trace);
  s.child = StartChild(s.trace, [&] {
    body();
    ready.Open();
    WaitForever();
  });
  ready.Pass();
}

ChargeSteps AllSteps(const Params&, const Facts& f) {
  // As in mprotect: see charge_matrix_private.
  const std::int64_t back = f.kernel >= KernelVersion{6, 7} ? kN : 0;
  return {{"own", kN, [](ChargeScene& s) { s.a = s.Map(kN, kRw, MAP_PRIVATE); }},
          {"fork", 0,
           [](ChargeScene& s) {
             s.counted = OwnPages();
             Fork(s, [] {});
           }},
          {"fork_ended", 0,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          {"fork_unmaps", -kN,
           [](ChargeScene& s) {
             s.counted = OwnPages();
             Fork(s, [&s] { s.Unmap(s.a, kN); });
           }},
          {"fork_unmapped_ended", kN,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          {"fork_protects", -back,
           [](ChargeScene& s) {
             s.counted = OwnPages();
             Fork(s, [&s] { s.Protect(s.a, kN, PROT_READ); });
           }},
          {"fork_protected_ended", back,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          {"dontfork", -kN,
           [](ChargeScene& s) {
             madvise(s.a, Pages(kN), MADV_DONTFORK);
             s.counted = OwnPages();
             Fork(s, [] {});
           }},
          {"dontfork_ended", kN,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          {"wipeonfork", 0,
           [](ChargeScene& s) {
             madvise(s.a, Pages(kN), MADV_DOFORK);
             madvise(s.a, Pages(kN), MADV_WIPEONFORK);
             s.counted = OwnPages();
             Fork(s, [] {});
           }},
          {"wipeonfork_ended", 0,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          // What is shared is charged once.
          {"fork_shared", kN,
           [](ChargeScene& s) {
             s.b = s.Map(kN, kRw, MAP_SHARED);
             s.counted = OwnPages();
             Fork(s, [&s] { s.Touch(s.b, 16); });
           }},
          {"shared_left_to_child", 0, [](ChargeScene& s) { s.Unmap(s.b, kN); }},
          {"shared_ended", -kN,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -OwnPages();
           }},
          {"vfork", 0,
           [](ChargeScene& s) {
             // The child has its parent's memory, and tells it so.
             static volatile std::int64_t charged;
             const std::int64_t before = CommittedPages();
             const pid_t child = vfork();
             if (child == 0) {
               charged = CommittedPages() - before;
               _exit(0);
             }
             s.Must(child > 0, "vfork");
             Reap(child);
             s.counted = -charged;
           }},
          // All that it had is gone, and what it has now is what it maps.
          {"exec", 0,
           [](ChargeScene& s) {
             const Bytes before = ReadAllUsage().accounted;
             char* const arguments[] = {const_cast<char*>("oomgate-cases"),
                                        nullptr};
             char* const environment[] = {nullptr};
             s.child = fork();
             if (s.child == 0) {
               ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
               execve("/proc/self/exe", arguments, environment);
               _exit(1);
             }
             s.Must(s.child > 0, "fork");
             int status = 0;
             waitpid(s.child, &status, 0);
             s.Must(WIFSTOPPED(status), "execve");
             s.counted = (ReadAllUsage().accounted - before) / kPage;
             s.trace.Set("exec_charged", s.counted);
             s.id = static_cast<int>(s.counted);
           }},
          {"exec_ended", 0,
           [](ChargeScene& s) {
             EndChild(s.child);
             s.counted = -s.id;
           }},
          {"own_gone", -kN, [](ChargeScene& s) { s.Unmap(s.a, kN); }}};
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  RunSteps(trace, AllSteps(p, f));
}

Oracle Expect(const Params& p, const Facts& f) {
  // A program of a few MiB: neither nothing, nor what its parent had.
  return AllOf(StepsHold(AllSteps(p, f)),
               Count("exec_charged", Between<std::int64_t>(20, kN)));
}

const Register kChargeMatrixProcess{
    {.id = "overcommit/charge_matrix_process",
     .summary = "processes: Committed_AS follows fork, exec and exit exactly",
     .explains =
         {.claim = "overcommit.never.charge_matrix; seed 2 on fork, vfork and "
                   "MADV_DONTFORK",
          .deed = "forks, with mappings that are inherited or not, shares "
                  "memory with a child, runs a program; reads Committed_AS "
                  "after each step",
          .functions = "dup_mmap, exit_mmap, setup_arg_pages, exec_mmap",
          .look_at = "each value is named after its step; pages that a step "
                     "keeps or gives back too much"},
     .needs = {.alone = true},
     .adjust = AdjustMode,
     .params = {{"mode", {"0", "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
