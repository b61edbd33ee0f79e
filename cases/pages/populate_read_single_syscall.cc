// SPDX-License-Identifier: Apache-2.0
// One system call that reads gigabytes for its caller fills the cgroup with
// page tables, and can be killed in the middle of it: it never returns.
#include <cerrno>

#include "cases/pages/tables.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace oomgate {
namespace {

// Eight times what fits: a page of the box is a table for 2 MiB.
Bytes SizeOf(const Facts& f) { return f.box / kPage * kHugePage * 8; }

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range range = pages::MapApart(trace, SizeOf(f), PROT_READ);
  trace.Set("returned", 0);
  const int result =
      madvise(range.start, static_cast<std::size_t>(range.size.count),
              MADV_POPULATE_READ);
  trace.Set("error", result == 0 ? 0 : errno);
  trace.Set("returned", 1);
}

Oracle Expect(const Params&, const Facts& f) {
  if (f.kernel < KernelVersion{5, 14}) {  // 4ca9b3859dac
    return AllOf(Survives(), Count("error", Eq(EINVAL)));
  }
  // At most 96 pages of the subject are no tables: stack, text, upper levels.
  const Oracle killed =
      AllOf(OomKilled(), OomVictimIsSubject(),
            OomConstraint("CONSTRAINT_MEMCG"), Count("returned", Eq(0)),
            Count("oom_kills", Eq(1)), OomAnonRss(Le(kOwnAnon)),
            OomPageTables(Between(f.box - 96 * kPage, f.box + 64 * kPage)));
  const bool has_peak = f.cgroup == 1 || f.kernel >= KernelVersion{5, 19};
  return has_peak ? AllOf(killed, Size("box_peak", Eq(f.box))) : killed;
}

const Register kPopulateReadSingleSyscall{
    {.id = "pages/populate_read_single_syscall",
     .summary = "a call that fills the box with tables is killed inside it",
     .explains = {.claim = "Seed 0: a valid access cannot fail, so it ends in "
                           "a kill (page_tables.populate_read_single_syscall)",
                  .deed = "MADV_POPULATE_READ of more than the box has tables "
                          "for",
                  .functions = "faultin_page_range, fatal_signal_pending, "
                               "__pte_alloc, try_charge_memcg",
                  .look_at = "a deadline: the call does not see the signal"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 4_MiB, .kernel_log = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "oom_kills"}}}};

}  // namespace
}  // namespace oomgate
