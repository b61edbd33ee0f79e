// SPDX-License-Identifier: Apache-2.0
// Page tables follow the process's policy, not the mapping's: a mapping bound
// to node 1 has its tables where the process would allocate.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kTables = 8_MiB;

// Reads a byte for each table; what was read before stays, with its tables.
void MakeTables(Placing& s, int mode) {
  RunOnCpu(s.trace, 0);
  const Range range =
      MapAnonymous(s.trace, (kTables / kPage) * kHugePage, {.prot = PROT_READ});
  s.Set("errno", BindRange(range, mode, mode == MPOL_BIND ? kNode1 : 0));
  ReadPages(s.trace, range, kHugePage);
}

Bytes Own() { return StatusField("VmPTE"); }

Row<Placing> Tables(testing::Matcher<Bytes> on_node1) {
  const auto of_node1 = [] {
    RefreshVmstat();
    return NodeMeminfo(1, "PageTables");
  };
  return Rows<Placing>{Count("errno", 0),
                       Change("on node 1", of_node1, on_node1),
                       Change("own", Own, Between(kTables, kTables + 64_KiB))};
}

Steps<Placing> Make(const Params&, const Facts&) {
  const auto none = Between(0_B - 1_MiB, 1_MiB);  // others' come and go
  return {
      {"read by the CPU's node",
       [](Placing& s) { MakeTables(s, MPOL_DEFAULT); },
       {Tables(none)}},
      {"read a mapping bound to node 1",
       [](Placing& s) { MakeTables(s, MPOL_BIND); },
       {Tables(none)}},
      {"read, the process bound to node 1",
       [](Placing& s) {
         SetPolicy(MPOL_BIND, kNode1);
         MakeTables(s, MPOL_DEFAULT);
         SetPolicy(MPOL_DEFAULT, 0);
       },
       {Tables(Between(kTables - 1_MiB, kTables + 1_MiB))}},
  };
}

const Register kPtPlacement{
    {.id = "numa/pt_placement",
     .summary = "page tables obey the process's policy, not the mapping's",
     .claim = "Seed 1 (numactl) and seed 0 (page tables are memory too)",
     .functions = "pte_alloc_one, alloc_pages (get_task_policy)",
     .needs = TwoNodes(),
     .steps = Make,
     .metrics = {Metric::Size("mapping_bound",
                              "read a mapping bound to node 1.on node 1")
                     .Within(1 << 20, "tables of other processes")}}};

}  // namespace
}  // namespace oomgate::numa
