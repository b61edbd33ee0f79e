// SPDX-License-Identifier: Apache-2.0
// A child is charged for every accounted mapping that it gets, once, and gives
// it back as it unmaps and ends; what shares the memory is charged nothing.
#include <sched.h>
#include <unistd.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr Bytes kPrivate = 20_MiB;
constexpr Bytes kDontFork = 6_MiB;
constexpr Bytes kWiped = 3_MiB;

Range Map(Trace& trace, Bytes size, int flags,
          int prot = PROT_READ | PROT_WRITE) {
  MapOptions options;
  options.flags = flags | MAP_ANONYMOUS;
  options.prot = prot;
  return MapAnonymous(trace, size, options);
}

Bytes Committed() { return Meminfo("Committed_AS"); }

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range own = Map(trace, kPrivate, MAP_PRIVATE);
  const Range hidden = Map(trace, kDontFork, MAP_PRIVATE);
  const Range wiped = Map(trace, kWiped, MAP_PRIVATE);
  Map(trace, 5_MiB, MAP_PRIVATE | MAP_NORESERVE);
  Map(trace, 7_MiB, MAP_PRIVATE, PROT_READ);
  Map(trace, 9_MiB, MAP_SHARED);
  Advise(trace, hidden, MADV_DONTFORK);
  Advise(trace, wiped, MADV_WIPEONFORK);
  WritePages(trace, own.Part(0_B, 1_MiB));  // touched or not is the same

  Gate unmap(trace);
  Gate unmapped(trace);
  Gate end(trace);
  const Bytes accounted = ReadMapping({.size = Bytes{INT64_MAX}}).accounted;
  const Bytes before = Committed();
  const pid_t child = StartChild(trace, [&] {
    trace.Set("child_accounted",
              ReadMapping({.size = Bytes{INT64_MAX}}).accounted);
    trace.Set("child_has_wiped", ReadMapping(wiped).accounted);
    unmapped.Open();
    unmap.Pass();
    munmap(own.start, static_cast<std::size_t>(kPrivate.count));
    unmapped.Open();
    end.Pass();
  });
  unmapped.Pass();
  trace.Set("accounted", accounted);
  trace.Set("charged", Committed() - before);
  unmap.Open();
  unmapped.Pass();
  trace.Set("charged_unmapped", Committed() - before);
  end.Open();
  Reap(child);
  trace.Set("charged_after", Committed() - before);

  // Written by the child, while the parent waits for it.
  const pid_t shares = vfork();
  if (shares == 0) {
    trace.Set("charged_vfork", Committed() - before);
    _exit(0);
  }
  if (shares < 0) trace.Stop("vfork", errno);
  Reap(shares);
  trace.Set("charged_vfork_after", Committed() - before);

  // Ten of them are charged ten times, and come back when they are killed.
  pid_t children[10];
  for (pid_t& one : children) one = StartChild(trace, WaitForever);
  trace.Set("charged_ten", Committed() - before);
  for (const pid_t one : children) EndChild(one);
  trace.Set("charged_ten_after", Committed() - before);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Difference("accounted", "charged", Eq(kDontFork.count)),
      Difference("child_accounted", "charged", Eq(0)),
      Size("child_has_wiped", Eq(kWiped)),
      Difference("charged", "charged_unmapped", Eq(kPrivate.count)),
      Size("charged_after", Eq(0_B)), Size("charged_vfork", Eq(0_B)),
      Size("charged_vfork_after", Eq(0_B)), Size("charged_ten_after", Eq(0_B)),
      // Ten times one: the case is a percentage.
      Percent("charged_ten", "charged", Eq(1000.0)));
}

const Register kCommitCharge{
    {.id = "fork/commit_charge",
     .summary = "a child is charged for each accounted mapping that it copies",
     .explains =
         {.claim = "Seed 2: fork checks and charges each VMA in dup_mmap",
          .deed = "maps one of each kind, reads Committed_AS while a child "
                  "lives, unmaps in it, ends it; the same with vfork and with "
                  "ten children",
          .functions = "dup_mmap, vm_acct_memory, vm_unacct_memory, exit_mmap",
          .look_at = "accounted less charged must be the DONTFORK mapping; "
                     "anything left says which end forgets to give back"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "charged_after",
                  .better = Better::kLower,
                  .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
