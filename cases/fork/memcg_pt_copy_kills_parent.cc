// SPDX-License-Identifier: Apache-2.0
// The tables that fork copies are charged to the parent's cgroup: at its limit
// the parent itself is killed inside fork, not the child that is not there yet.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr std::int64_t kWritten = 1500;  // 6 MiB, and 6 MiB of tables
constexpr std::int64_t kRead = 3000;     // 12 MiB of tables

void Subject(Trace& trace, const Params& p, const Facts&) {
  const bool read = p["kind"] == "read";
  MapOptions options;
  options.align = 1_GiB;
  const Range range =
      MapAnonymous(trace, (read ? kRead : kWritten) * kHugePage, options);
  if (read) {
    ReadPages(trace, range, kHugePage);
  } else {
    WritePages(trace, range, kHugePage);
  }
  if (p["kind"] == "dontfork") Advise(trace, range, MADV_DONTFORK);
  trace.Set("filled", 1);
  trace.Set("fork_errno", TryFork());
  trace.Set("vfork_errno", TryVfork());
}

Oracle Expect(const Params& p, const Facts&) {
  const Oracle filled = Count("filled", Eq(1));
  if (p["kind"] != "written") {
    return AllOf(Survives(), filled, Count("fork_errno", Eq(0)),
                 Count("vfork_errno", Eq(0)), Count("oom_kills", Eq(0)));
  }
  // Tables: one for each page, one for each GiB of them, and the subject's own
  // (at most 96 pages of everything that is not ours).
  constexpr Bytes kTables = (kWritten + kWritten / 512 + 1) * kPage;
  constexpr Bytes kOwn = 96 * kPage;
  // mm/memory.c before 6.2: a thread keeps up to 66 pages to itself.
  constexpr Bytes kLag = 66 * kPage;
  return AllOf(OomKilled(), filled, OomVictimIsSubject(),
               OomConstraint("CONSTRAINT_MEMCG"), Count("oom_kills", Eq(1)),
               OomAnonRss(Between(kWritten * kPage - kLag,
                                  kWritten * kPage + kOwn + 512_KiB)),
               OomPageTables(Between(kTables, kTables + kOwn)),
               KernelLogHas("copy_page_range"), KernelLogHas("copy_process"));
}

const Register kMemcgPtCopyKillsParent{
    {.id = "fork/memcg_pt_copy_kills_parent",
     .summary = "tables copied by fork are charged: the parent dies in fork",
     .explains =
         {.claim = "Seed 2: what fork copies; seed 0: tables count like memory",
          .deed = "in 16 MiB writes 1500 pages, one a table, and forks: there "
                  "is no room for the tables again. Reads, or DONTFORK, need "
                  "none",
          .functions = "copy_page_range, __pte_alloc, mem_cgroup_oom",
          .look_at = "surviving as `written` says that copied tables are not "
                     "charged; dying as `read` that they are copied at all"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .kernel_log = true},
     .params = {{"kind", {"written", "read", "dontfork"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
