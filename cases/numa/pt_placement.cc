// SPDX-License-Identifier: Apache-2.0
// Page tables follow the process's policy, not the mapping's: a mapping bound
// to node 1 has its tables where the process would allocate.
#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr Bytes kTables = 8_MiB;

// Reads one byte per table, and tells by how much node 1's page tables grew.
Bytes TablesOnNode1(Trace& trace, unsigned long mapping_node) {
  MapOptions options;
  options.prot = PROT_READ;
  const Range range =
      MapAnonymous(trace, (kTables / kPage) * kHugePage, options);
  if (mapping_node != 0) BindRange(range, MPOL_BIND, mapping_node);
  RefreshVmstat();
  const Bytes before = NodeMeminfo(1, "PageTables");
  ReadPages(trace, range, kHugePage);
  RefreshVmstat();
  const Bytes after = NodeMeminfo(1, "PageTables");
  Unmap(trace, range);
  return after - before;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  RunOnCpu(trace, 0);
  trace.Set("local", TablesOnNode1(trace, 0));
  trace.Set("mapping_bound", TablesOnNode1(trace, kNode1));
  SetPolicy(MPOL_BIND, kNode1);
  trace.Set("process_bound", TablesOnNode1(trace, 0));
  SetPolicy(MPOL_DEFAULT, 0);
}

Oracle Expect(const Params&, const Facts&) {
  // Others' tables come and go, and those of the range before are freed late.
  const auto none = Between(0_B - kTables - 1_MiB, 1_MiB);
  return AllOf(
      Survives(), Size("local", none), Size("mapping_bound", none),
      Size("process_bound", Between(kTables - 1_MiB, kTables + 1_MiB)));
}

const Register kPtPlacement{
    {.id = "numa/pt_placement",
     .summary = "page tables obey the process's policy, not the mapping's",
     .explains =
         {.claim = "Seed 1 (numactl) and seed 0 (page tables are memory too)",
          .deed = "makes 2048 page tables under three policies on CPU 0, and "
                  "counts those on node 1",
          .functions = "pte_alloc_one, alloc_pages (get_task_policy)",
          .look_at = "the three sizes are tables that came from node 1"},
     .needs = TwoNodes(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "mapping_bound",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1 << 20,
                  .cause = "tables of other processes"}}}};

}  // namespace
}  // namespace oomgate::numa
