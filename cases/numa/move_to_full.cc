// SPDX-License-Identifier: Apache-2.0
// Pages that are told to move to a node that is full stay where they are:
// nothing is lost, and nobody is killed for them.
#include "cases/numa/policy.h"
#include "oomgate/numbered_pages.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kRoom = 24_MiB;  // left on the node, above its reserves
constexpr Bytes kMoved = 64_MiB;
constexpr std::int64_t kPages = kMoved / kPage;

int NumberOnNode0(Placing& s) {
  s.Renew(MapAnonymous(s.trace, kMoved));
  const int error = BindRange(s.range, MPOL_BIND, kNode0);
  NumberPages(s.range);
  return error != 0 ? error : BindRange(s.range, MPOL_DEFAULT, 0);
}

int FillNode1(Placing& s) {
  RefreshVmstat();
  const Bytes room = kRoom + kVmKnobs.Number("min_free_kbytes") * 1_KiB / 2;
  s.Set("room", room / kPage);
  const Bytes full = NodeMeminfo(1, "MemFree") - room;
  const Range filled = MapAnonymous(s.trace, full / kHugePage * kHugePage);
  const int error = BindRange(filled, MPOL_BIND, kNode1);
  WritePages(s.trace, filled);
  return error;
}

void Move(Placing& s) {
  if (s.p["by"] == "pages") {
    MovePages(s.range, 1);
  } else {
    BindRange(s.range, MPOL_BIND, kNode1, MPOL_MF_MOVE);
  }
}

Steps<Placing> Make(const Params&, const Facts&) {
  return {
      {"number pages on node 0", NumberOnNode0, {ByNode(kPages, 0)}},
      {"fill node 1", FillNode1},
      {"move them there",
       Move,
       {Change("kills", Event("oom_kill"), 0),
        ByNode(Gt(0), Gt(0)),
        {"all",
         [](Placing& s) {
           return PagesOnNode(s.range, 0) + PagesOnNode(s.range, 1);
         },
         kPages},
        // What other processes give back in the meantime fits, too.
        Percent("node1", "fill node 1.room", Between(10.0, 150.0)),
        {"wrong", [](Placing& s) { return CountMisnumbered(s.range); }, 0}}},
  };
}

const Register kMoveToFull{
    {.id = "numa/move_to_full",
     .summary = "pages that find no room on a node stay; nobody is killed",
     .claim = "Seed 1 (NUMA); move_pages(2), mbind(2): MPOL_MF_MOVE moves what "
              "can be moved",
     .functions =
         "migrate_pages, alloc_migration_target, __alloc_pages_may_oom",
     .look_at = "kills: somebody died for a page that had a place; all and "
                "wrong: pages were lost",
     .blast = Blast::kMachine,
     .needs = TwoNodes(),
     .params = {{"by", {"pages", "policy"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate::numa
