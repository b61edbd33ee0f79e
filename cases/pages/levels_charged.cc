// SPDX-License-Identifier: Apache-2.0
// Page tables of every level are charged to the cgroup of who needs them, and
// the charge goes when they go.
#include <poll.h>

#include <cstdio>

#include "cases/pages/tables.h"

namespace oomgate {
namespace {

// A third of these tables is of the highest level that the stride needs.
std::int64_t TouchesOf(const Params& p) {
  return p["stride"] == "512g" ? 150 : 512;
}

Bytes BoxUsage(const Facts& f) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/%s", f.box_folder.c_str(),
                f.cgroup == 1 ? "memory.usage_in_bytes" : "memory.current");
  return Bytes{NumberIn(path)};
}

// memcontrol.c: each CPU may hold a batch of MEMCG_CHARGE_BATCH pages.
Bytes Stock(const Facts& f) { return f.cpus * 64 * kPage; }

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Bytes stride = p.Size("stride");
  const Range range = pages::MapApart(trace, TouchesOf(p) * stride, PROT_READ);
  BoxUsage(f);
  const Bytes before = BoxUsage(f);
  ReadPages(trace, range, stride);
  trace.Set("charged", BoxUsage(f) - before);
  Unmap(trace, range);
  // Since 6.14 tables are freed by RCU.
  Bytes left = BoxUsage(f) - before;
  for (int i = 0; left > Stock(f) && i < 5000; ++i) {
    poll(nullptr, 0, 1);
    left = BoxUsage(f) - before;
  }
  trace.Set("left", left);
}

Oracle Expect(const Params& p, const Facts& f) {
  const Bytes tables = pages::TablesFor(0_B, TouchesOf(p), p.Size("stride"));
  const Bytes stock = Stock(f);
  return AllOf(Survives(),
               Size("charged", Between(tables - stock, tables + stock)),
               Size("left", Between(0_B - stock, stock)));
}

const Register kLevelsCharged{
    {.id = "pages/levels_charged",
     .summary = "tables of every level are charged to the cgroup, and freed",
     .explains = {.claim = "Seed 0: four levels of tables, all of them memory "
                           "(page_tables.formula); cgroup-v2: page tables are "
                           "charged",
                  .deed = "reads one byte in every 2 MiB, 1 GiB or 512 GiB, "
                          "then unmaps",
                  .functions = "pte_alloc_one, pmd_alloc_one, pud_alloc_one, "
                               "GFP_PGTABLE_USER",
                  .look_at = "charged: 2m shows leaves, 1g directories, 512g "
                             "the level above"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .params = {{"stride", {"2m", "1g", "512g"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "charged",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 64.0 * 4096,
                  .cause = "a batch of charges that a CPU holds"}}}};

}  // namespace
}  // namespace oomgate
