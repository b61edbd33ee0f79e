// SPDX-License-Identifier: Apache-2.0
// 512 GiB of read memory need 1,075,843,072 bytes of page tables: a touch in
// every 2 MiB is enough, and the process owns no other memory.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

constexpr std::int64_t kTouches = 512_GiB / 2_MiB;
// The seed's 1,075,847,168 counts the top level too, which VmPTE does not.
constexpr Bytes kTables = 1'075'847'168_B - kPage;

void Subject(Trace& trace, const Params&, const Facts&) {
  WarmUp(trace);
  const Range range = MapApart(trace, 512_GiB, PROT_READ);
  const Bytes machine = OnceStill(MachineTables);
  const Usage before = ReadUsage();
  ReadPages(trace, range, kHugePage);
  const Usage after = ReadUsage();
  trace.Set("minor_faults", after.minor_faults - before.minor_faults);
  trace.Set("page_tables", after.page_tables - before.page_tables);
  trace.Set("machine_tables", MachineTables() - machine);
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params&, const Facts& f) {
  // 6.8 began to count the upper level in PageTables.
  const Bytes counted =
      f.kernel >= KernelVersion{6, 8} ? kTables : kTables - kPage;
  return AllOf(Survives(), Count("minor_faults", kTouches),
               Size("page_tables", kTables), Size("machine_tables", counted),
               Size("rss", 0_B), PeakRss(Le(8_MiB)));
}

const Register kSeed512g{
    {.id = "pages/seed_512g",
     .summary = "1,075,843,072 bytes of tables for 512 GiB of reads",
     .claim = "Seed 0: 512 GB -> 1,075,847,168 bytes of tables "
              "(page_tables.seed_512g)",
     .deed = "reads a byte in every 2 MiB of 512 GiB",
     .functions = "__pte_alloc, __pmd_alloc, __pud_alloc",
     .look_at = "page_tables: VmPTE; machine_tables: PageTables",
     .suite = Suite::kNightly,
     .needs = {.memory = 1536_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("page_tables")},
     .timeout_seconds = 240}};

}  // namespace
}  // namespace oomgate::pages
