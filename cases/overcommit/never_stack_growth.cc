// SPDX-License-Identifier: Apache-2.0
// In mode 2 the stack is charged as it grows, and who cannot be told so by an
// errno gets SIGSEGV: never an OOM kill.
#include "cases/overcommit/caught.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kMost = 1900;  // frames: within RLIMIT_STACK, 8 MiB

struct Stack : Scene {
  bool own = GrowStack<64 << 10>();
  int taken = -1;

  int RecurseInChild() {
    return RunChild(trace, [&] {
      (void)Recurse(kMost);
      Set("recursed", 1);
    });
  }
  void LeaveLittleRoom() {
    taken = LeaveRoom(trace, Who::kUser, RoomForThree(f));
    // The judge has the administrator's reserve.
    Become(trace, Who::kUser);
  }
  void RecurseHere() {
    Set("signal", SignalOf(trace, [] { (void)Recurse(kMost); }));
  }
};

std::int64_t StackPages() { return StatusField("VmStk") / kPage; }

Steps<Stack> Make(const Params&, const Facts& f) {
  return {
      {"recurse in a child, with room", &Stack::RecurseInChild,
       Count("recursed", 1)},
      {"leave little room", &Stack::LeaveLittleRoom,
       Is(
           "room", [] { return Room(Who::kUser); }, RoomForThree(f))},
      {"recurse", &Stack::RecurseHere, Count("signal", SIGSEGV),
       Change("charged", CommittedPages, FitsInThree(f)),
       Change("grown", StackPages, FitsInThree(f))},
      // What it has, it keeps.
      {"map a page", AsksToMap(kPage), Refused(ENOMEM)},
      {"recurse with room again",
       [](Stack& s) {
         close(s.taken);
         s.RecurseHere();
       },
       Count("signal", 0), Count("oom_kills", 0)},
  };
}

const Register kNeverStackGrowth{
    {.id = "overcommit/never_stack_growth",
     .summary = "mode 2: a stack that cannot be charged ends in SIGSEGV",
     .claim =
         "overcommit.never.stack_growth_sigsegv; seed 2 on mode 2; "
         "Documentation/mm/overcommit-accounting: the gotcha of stack growth",
     .functions = "expand_downwards, acct_stack_growth",
     .needs = {.alone = true, .settings = {kVmKnobs.With(kMode, "2")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
