// SPDX-License-Identifier: Apache-2.0
// In mode 2 swap that was promised cannot be taken away: swapoff is refused
// while Committed_AS would be above the limit that is left.
#include <sys/swap.h>

#include <cerrno>

#include "cases/overcommit/room.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params&, const Facts&) {
  const SwapArea area = FindSwapArea(trace);
  const auto try_swapoff = [&] { return swapoff(area.path) == 0 ? 0 : errno; };
  const std::int64_t swap = Meminfo("SwapTotal") / kPage;
  const std::int64_t limit = Meminfo("CommitLimit") / kPage;
  // Half of the swap more than the limit without it allows.
  const int taken = LeaveRoom(trace, Who::kAdmin, swap / 2);
  const std::int64_t committed = CommittedPages();
  trace.Set("needed", try_swapoff());
  trace.Set("needed.swap", Meminfo("SwapTotal") / kPage - swap);
  trace.Set("needed.limit", Meminfo("CommitLimit") / kPage - limit);
  trace.Set("needed.committed", CommittedPages() - committed);
  close(taken);
  // Half of the swap less.
  const int less = LeaveRoom(trace, Who::kAdmin, swap + swap / 2);
  const std::int64_t before = CommittedPages();
  trace.Set("spare", try_swapoff());
  trace.Set("spare.swap", Meminfo("SwapTotal"));
  trace.Set("spare.limit", Meminfo("CommitLimit") / kPage - limit + swap);
  trace.Set("spare.committed", CommittedPages() - before);
  close(less);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("needed", Eq(ENOMEM)),
               Count("needed.swap", Eq(0)), Count("needed.limit", Eq(0)),
               Count("needed.committed", Eq(0)), Count("spare", Eq(0)),
               Size("spare.swap", Eq(0_B)), Count("spare.limit", Eq(0)),
               Count("spare.committed", Eq(0)));
}

const Register kNeverSwapoff{
    {.id = "overcommit/never_swapoff",
     .summary = "mode 2: swapoff is refused where the swap is promised",
     .explains =
         {.claim = "Seed 1: CommitLimit counts swap; swapoff(2): ENOMEM",
          .deed = "with more committed than RAM's part of the limit, and then "
                  "with less, switches swap off",
          .functions = "__do_sys_swapoff, security_vm_enough_memory_mm",
          .look_at = "needed and spare are the errno of swapoff; the others "
                     "what it wrongly changed, in pages"},
     .blast = Blast::kMachine,
     .needs = {.swap = 64_MiB,
               .alone = true,
               .settings = {{kMode, "2"}, {kRatio, "50"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
