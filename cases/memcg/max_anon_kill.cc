// SPDX-License-Identifier: Apache-2.0
// A memory cgroup lets its members have the limit to the page, and not one page
// more: the writer is killed at it, by the cgroup's OOM killer, not a signal.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  WritePages(trace, MapAnonymous(trace, 2 * f.box));
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOther = 96 * kPage;  // the subject's own stack and tables
  const Oracle killed =
      AllOf(OomKilled(), Written(Between(f.box - kOther, f.box)),
            Count("oom_kills", 1), OomVictimIsSubject(),
            OomConstraint("CONSTRAINT_MEMCG"),
            // Pages shared with the judge since the fork are charged to it.
            OomAnonRss(Between(f.box - kOther, f.box + kOwnAnon)));
  // memory.peak came with 5.19; max_usage_in_bytes was always there.
  const bool has_peak = f.cgroup == 1 || f.kernel >= KernelVersion{5, 19};
  return has_peak ? AllOf(killed, Size("box_peak", f.box)) : killed;
}

const Register kMaxAnonKill{
    {.id = "memcg/max_anon_kill",
     .summary = "anonymous memory is killed at the limit, exactly",
     .claim =
         "Documentation/admin-guide/cgroup-v2: memory.max is the hard limit; "
         "seed 0: a valid access cannot fail, so overcommit ends in a kill",
     .deed = "writes page after page until it is killed",
     .functions = "try_charge_memcg, mem_cgroup_oom",
     .look_at = "written below the limit says that something else is charged; "
                "above it, that pages escape",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .kernel_log = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Size("written").HigherIsBetter().Within(
         96.0 * 4096, "pages of the subject itself")}}};

}  // namespace
}  // namespace oomgate
