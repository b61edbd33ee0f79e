// SPDX-License-Identifier: Apache-2.0
// One system call that reads gigabytes for its caller fills the cgroup with
// page tables, and can be killed in the middle of it: it never returns.
#include "cases/pages/tables.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace oomgate::pages {
namespace {

struct Sparse : Warm {
  Range range = {};
};

// Eight times what fits: a page of the box is a table for 2 MiB.
void Map(Sparse& s) {
  const Bytes size = s.f.box / kPage * kHugePage * 8;
  s.range = MapApart(s.trace, size, PROT_READ);
}

void Populate(Sparse& s) {
  s.Set("returned", 0);
  s.Set("errno", TryAdvise(s.range, MADV_POPULATE_READ));
  s.Set("returned", 1);
}

Rows<Sparse> HowItEnds(const Facts& f) {
  // The kernel learned it in 5.14 (4ca9b3859dac).
  if (f.kernel < KernelVersion{5, 14}) return {Refused(EINVAL)};
  // At most 96 pages of the subject are no tables: stack, text, upper levels.
  return {OomKilled(),
          OomVictimIsSubject(),
          OomConstraint("CONSTRAINT_MEMCG"),
          OomAnonRss(Le(kOwnAnon)),
          OomPageTables(Between(f.box - 96 * kPage, f.box + 64 * kPage)),
          BoxWasFull(f),
          Count("oom_kills", 1),
          Count("returned", 0)};
}

Steps<Sparse> Make(const Params&, const Facts& f) {
  return {{"map", Map, {Change("tables", Tables, 0_B)}},
          {"read all of it in one call", Populate, HowItEnds(f)}};
}

const Register kPopulateReadSingleSyscall{
    {.id = "pages/populate_read_single_syscall",
     .summary = "a call that fills the box with tables is killed inside it",
     .claim = "Seed 0: a valid access cannot fail, so it ends in a kill "
              "(page_tables.populate_read_single_syscall)",
     .functions = "faultin_page_range, fatal_signal_pending, __pte_alloc, "
                  "try_charge_memcg",
     .look_at = "a deadline: the call does not see the signal",
     .blast = Blast::kCgroup,
     .needs = {.memory = 4_MiB, .kernel_log = true},
     .steps = Make,
     .metrics = {Metric::Count("oom_kills").EitherWay()}}};

}  // namespace
}  // namespace oomgate::pages
