// SPDX-License-Identifier: Apache-2.0
// Pages that are told to move to a node that is full stay where they are:
// nothing is lost, and nobody is killed for them.
#include "cases/numa/policy.h"
#include "oomgate/numbered_pages.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kRoom = 24_MiB;  // left on the node, above its reserves
constexpr Bytes kMoved = 64_MiB;
constexpr int kPages = static_cast<int>(kMoved / kPage);

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range = MapAnonymous(trace, kMoved);
  if (BindRange(range, MPOL_BIND, kNode0) != 0) trace.Stop("mbind", EINVAL);
  NumberPages(range);
  if (BindRange(range, MPOL_DEFAULT, 0) != 0) trace.Stop("mbind", EINVAL);
  RefreshVmstat();
  const Bytes room =
      kRoom + NumberIn("/proc/sys/vm/min_free_kbytes") * 1_KiB / 2;
  trace.Set("room", room / kPage);
  const Bytes full = NodeMeminfo(1, "MemFree") - room;
  const Range filled = MapAnonymous(trace, full / kHugePage * kHugePage);
  if (BindRange(filled, MPOL_BIND, kNode1) != 0) trace.Stop("mbind", EINVAL);
  WritePages(trace, filled);
  const std::int64_t kills = Vmstat("oom_kill");
  if (p["by"] == "pages") {
    MovePages<kPages>(range, kPages, 1);
  } else {
    BindRange(range, MPOL_BIND, kNode1, MPOL_MF_MOVE);
  }
  trace.Set("kills", Vmstat("oom_kill") - kills);
  trace.Set("stayed", PagesOnNode(range, 0));
  trace.Set("moved", PagesOnNode(range, 1));
  trace.Set("all", PagesOnNode(range, 0) + PagesOnNode(range, 1));
  trace.Set("wrong", CountMisnumbered(range));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("kills", Eq(0)), Count("all", Eq(kPages)),
               // What other processes give back in the meantime fits, too.
               Percent("moved", "room", Between(10.0, 150.0)),
               Count("stayed", Gt(0)), Count("wrong", Eq(0)));
}

const Register kMoveToFull{
    {.id = "numa/move_to_full",
     .summary = "pages that find no room on a node stay; nobody is killed",
     .explains = {.claim = "Seed 1 (NUMA); move_pages(2), mbind(2): "
                           "MPOL_MF_MOVE moves what can be moved",
                  .deed = "fills a node but for 24 MiB, and moves 64 MiB to "
                          "it, by move_pages or by mbind",
                  .functions = "migrate_pages, alloc_migration_target, "
                               "__alloc_pages_may_oom",
                  .look_at = "kills: somebody died for a page that had a "
                             "place; all and wrong: pages were lost"},
     .blast = Blast::kMachine,
     .needs = TwoNodes(),
     .params = {{"by", {"pages", "policy"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate::numa
