// SPDX-License-Identifier: Apache-2.0
// Page tables of every level are charged to the cgroup of who needs them, and
// the charge goes when they go.
#include "cases/pages/tables.h"

namespace oomgate::pages {
namespace {

// A third of these tables is of the highest level that the stride needs.
std::int64_t TouchesOf(const Params& p) {
  return p["stride"] == "512g" ? 150 : 512;
}

struct Sparse : Warm {
  Bytes stride = p.Size("stride");
  Range range = MapApart(trace, TouchesOf(p) * stride, PROT_READ);
  Bytes first_look = Charged(f);
  Bytes before = Charged(f);

  Bytes InBox() const { return Charged(f) - before; }
  // Since 6.14 tables are freed by RCU.
  Bytes Left() const {
    return OnceHolds(
        5000, [&] { return InBox(); },
        [&](Bytes left) { return left <= Stock(f); });
  }
};

Steps<Sparse> Make(const Params& p, const Facts& f) {
  const Bytes tables = TablesFor(0_B, TouchesOf(p), p.Size("stride"));
  const Bytes stock = Stock(f);
  return {
      {"read a byte in every stride",
       [](Sparse& s) { ReadPages(s.trace, s.range, s.stride); },
       {{"charged", &Sparse::InBox, Between(tables - stock, tables + stock)}}},
      {"unmap",
       [](Sparse& s) { Unmap(s.trace, s.range); },
       {{"left", &Sparse::Left, Between(0_B - stock, stock)}}}};
}

const Register kLevelsCharged{
    {.id = "pages/levels_charged",
     .summary = "tables of every level are charged to the cgroup, and freed",
     .claim = "Seed 0: four levels of tables, all of them memory "
              "(page_tables.formula); cgroup-v2: page tables are charged",
     .functions =
         "pte_alloc_one, pmd_alloc_one, pud_alloc_one, GFP_PGTABLE_USER",
     .look_at =
         "charged: 2m shows leaves, 1g directories, 512g the level above",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB},
     .params = {{"stride", {"2m", "1g", "512g"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("charged", "read a byte in every stride.charged")
             .Within(64.0 * 4096, "a batch of charges that a CPU holds")}}};

}  // namespace
}  // namespace oomgate::pages
