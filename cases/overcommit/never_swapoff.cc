// SPDX-License-Identifier: Apache-2.0
// In mode 2 swap that was promised cannot be taken away: swapoff is refused
// while Committed_AS would be above the limit that is left.
#include <sys/swap.h>

#include "cases/overcommit/room.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

struct Swap : Scene {
  SwapArea area = FindSwapArea(trace);
  std::int64_t pages = f.swap / kPage;
  int taken = -1;
  int TrySwapoff() { return ErrnoOf(swapoff(area.path)); }
};

Bytes SwapTotal() { return Meminfo("SwapTotal"); }
Bytes CommitLimit() { return Meminfo("CommitLimit"); }

Steps<Swap> Make(const Params&, const Facts& f) {
  return {
      {"commit half of the swap",
       [](Swap& s) { s.taken = LeaveRoom(s.trace, Who::kAdmin, s.pages / 2); },
       Is(
           "room", [] { return Room(Who::kAdmin); }, Eq(f.swap / kPage / 2))},
      {"swapoff", &Swap::TrySwapoff, Refused(ENOMEM),
       Change("swap", SwapTotal, 0_B), Change("limit", CommitLimit, 0_B),
       Change("committed", CommittedPages, 0)},
      {"commit half of the swap less than RAM",
       [](Swap& s) {
         close(s.taken);
         s.taken = LeaveRoom(s.trace, Who::kAdmin, s.pages + s.pages / 2);
       }},
      {"swapoff then", &Swap::TrySwapoff, Is("swap", SwapTotal, 0_B),
       Change("limit", CommitLimit, 0_B - f.swap),
       Change("committed", CommittedPages, 0)},
  };
}

const Register kNeverSwapoff{
    {.id = "overcommit/never_swapoff",
     .summary = "mode 2: swapoff is refused where the swap is promised",
     .claim = "Seed 1: CommitLimit counts swap; swapoff(2): ENOMEM",
     .functions = "__do_sys_swapoff, security_vm_enough_memory_mm",
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB,
               .alone = true,
               .settings = {kVmKnobs.With(kMode, "2"),
                            kVmKnobs.With(kRatio, "50")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
