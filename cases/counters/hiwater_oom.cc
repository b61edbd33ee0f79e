// SPDX-License-Identifier: Apache-2.0
// What a killed process leaves in ru_maxrss is what it had: all of the box for
// a writer, next to nothing for one that filled it with page tables.
#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["with"] == "pages") {
    WritePages(trace, MapAnonymous(trace, 2 * f.box));
  } else {
    ReadPages(trace, MapAnonymous(trace, f.box * 1024), kHugePage);
  }
}

Oracle Expect(const Params& p, const Facts& f) {
  const Oracle killed =
      AllOf(OomKilled(), OomVictimIsSubject(),
            OomConstraint("CONSTRAINT_MEMCG"), Count("oom_kills", 1));
  if (p["with"] == "tables") {
    // What the seeds saw: 1 to 1.1 MiB, nearly all of it text that it runs,
    // mapped 16 pages at a time. This program's grows with the catalogue.
    return AllOf(killed, PeakRss(Le(kOwnAnon + 2_MiB)),
                 Touches(Between(f.box / kPage - 192, f.box / kPage)));
  }
  // Up to 6.1 66 pages may be with the thread still; of its own tables and
  // stack and of the code that it runs a few more are charged to it.
  constexpr Bytes kOther = 96 * kPage;
  return AllOf(
      killed, Written(Between(f.box - kOther, f.box)),
      Difference("peak_rss", "written",
                 Between<std::int64_t>(-(66 * kPage).count, (2_MiB).count)));
}

const Register kHiwaterOom{
    {.id = "counters/hiwater_oom",
     .summary = "ru_maxrss of a killed process: its pages, not its tables",
     .claim = "Seed 0: \"killed with low RES\"; counters.hiwater: a page-table "
              "OOM victim has a maxrss of about 1 MiB",
     .deed = "fills a box of 16 MiB with pages, or with page tables",
     .functions = "do_exit, setmax_mm_hiwater_rss, sync_mm_rss",
     .look_at = "peak_rss against written: the mark was not taken when the "
                "process ended",
     .blast = Blast::kCgroup,
     .needs = {.memory = 16_MiB, .kernel_log = true},
     .params = {{"with", {"pages", "tables"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
