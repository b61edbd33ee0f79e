// SPDX-License-Identifier: Apache-2.0
// The tables that fork copies are charged to the parent's cgroup: at its limit
// the parent itself is killed inside fork, not the child that is not there yet.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr std::int64_t kWritten = 1500;  // 6 MiB, and 6 MiB of tables
constexpr std::int64_t kRead = 3000;     // 12 MiB of tables

struct Parent : Scene {
  std::int64_t pages = p["kind"] == "read" ? kRead : kWritten;
  Range range = MapAnonymous(trace, pages* kHugePage, {.align = 1_GiB});
};

void Fill(Parent& s) {
  if (s.p["kind"] == "read") {
    ReadPages(s.trace, s.range, kHugePage);
  } else {
    WritePages(s.trace, s.range, kHugePage);
  }
  if (s.p["kind"] == "dontfork") Advise(s.trace, s.range, MADV_DONTFORK);
}

Steps<Parent> Make(const Params& p, const Facts&) {
  if (p["kind"] != "written") {
    return {{"fill", Fill},
            {"fork", TryFork},
            {"vfork", TryVfork, Count("oom_kills", 0)}};
  }
  // Tables: one for each page, one for each GiB of them, and the subject's own
  // (at most 96 pages of everything that is not ours).
  constexpr Bytes kTables = (kWritten + kWritten / 512 + 1) * kPage;
  constexpr Bytes kOwn = 96 * kPage;
  // mm/memory.c before 6.2: a thread keeps up to 66 pages to itself.
  constexpr Bytes kLag = 66 * kPage;
  return {{"fill", Fill, Touches(kWritten)},
          {"fork", [] { TryFork(); }, OomKilled(), OomVictimIsSubject(),
           OomConstraint("CONSTRAINT_MEMCG"), Count("oom_kills", 1),
           OomAnonRss(Between(kWritten * kPage - kLag,
                              kWritten * kPage + kOwn + 512_KiB)),
           OomPageTables(Between(kTables, kTables + kOwn)),
           KernelLogHas("copy_page_range"), KernelLogHas("copy_process")}};
}

const Register kMemcgPtCopyKillsParent{
    {.id = "fork/memcg_pt_copy_kills_parent",
     .summary = "tables copied by fork are charged: the parent dies in fork",
     .claim = "Seed 2: what fork copies; seed 0: tables count like memory",
     .functions = "copy_page_range, __pte_alloc, mem_cgroup_oom",
     .look_at = "surviving as `written` says that copied tables are not "
                "charged; dying as `read` that they are copied at all",
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .kernel_log = true},
     .params = {{"kind", {"written", "read", "dontfork"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
