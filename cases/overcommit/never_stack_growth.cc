// SPDX-License-Identifier: Apache-2.0
// In mode 2 the stack is charged as it grows, and who cannot be told so by an
// errno gets SIGSEGV: never an OOM kill.
#include <sys/wait.h>
#include <unistd.h>

#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kFrame = 4096;
constexpr int kMost = 1900;  // frames: within RLIMIT_STACK, 8 MiB

// One page further down a call; returns where memory allows it.
[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[kFrame];
  frame[0] = 1;
  return depth == 0 ? frame[0] : Recurse(depth - 1) + frame[0];
}

// Each page is charged by itself, and a CPU holds back a batch of them: room
// for two and a half batches takes three, less the page that filled the last.
std::int64_t LeftRoom(const Facts& f) { return Batch(f) * 5 / 2; }
std::int64_t Grows(const Facts& f) { return Batch(f) * 3 - 1; }

void Subject(Trace& trace, const Params&, const Facts& f) {
  GrowStack<64 << 10>();
  const pid_t enough = StartChild(trace, [] { (void)Recurse(kMost); });
  trace.Set("with_room_status", Reap(enough));

  const int taken = LeaveRoom(trace, Who::kUser, LeftRoom(f));
  Become(trace, Who::kUser);  // the judge has the administrator's reserve
  const std::int64_t before = CommittedPages();
  const std::int64_t stack = StatusField("VmStk") / kPage;
  trace.Set("signal", SignalOf(trace, [] { (void)Recurse(kMost); }));
  trace.Set("grew", StatusField("VmStk") / kPage - stack);
  trace.Set("charged", CommittedPages() - before);
  // What it has, it keeps.
  trace.Set("errno",
            TryMap(kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS));
  close(taken);
  trace.Set("signal_with_room", SignalOf(trace, [] { (void)Recurse(kMost); }));
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), Count("with_room_status", Eq(0)),
               Count("signal", Eq(SIGSEGV)), Count("grew", Eq(Grows(f))),
               Count("charged", Eq(Grows(f))), Count("errno", Eq(ENOMEM)),
               Count("signal_with_room", Eq(0)), Count("oom_kills", Eq(0)));
}

const Register kNeverStackGrowth{
    {.id = "overcommit/never_stack_growth",
     .summary = "mode 2: a stack that cannot be charged ends in SIGSEGV",
     .explains = {.claim = "overcommit.never.stack_growth_sigsegv; seed 2 on "
                           "mode 2; Documentation/mm/overcommit-accounting: "
                           "the gotcha of stack growth",
                  .deed = "leaves little room, and recurses beyond it",
                  .functions = "expand_downwards, acct_stack_growth",
                  .look_at = "pages that the stack grew by: the room, rounded "
                             "up to the batches of a CPU"},
     .needs = {.alone = true, .settings = {{kMode, "2"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
