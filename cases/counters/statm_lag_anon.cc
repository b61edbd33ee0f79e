// SPDX-License-Identifier: Apache-2.0
// How late RSS is: since 6.16 every touch is seen at once; up to 6.1 a thread
// kept the pages of 66 faults (not 64) to itself.
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 400;

void Subject(Trace& trace, const Params&, const Facts&) {
  MapCode();
  Statm statm(trace);
  const RssSync sync(trace);
  StatusField("VmRSS");  // faults in what it runs
  const Range range = MapAnonymous(trace, kTouches * kPage);
  SetSteps(trace, Watch(statm, sync, kTouches, 1, [&](std::int64_t i) {
             *static_cast<volatile char*>(range.start + i * kPage.count) = 1;
           }));
  trace.Set("rss", ReadMapping(range).rss);
  trace.Set("resident_less_status",
            statm.resident * kPage - StatusField("VmRSS"));
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), ExpectSteps(f, 1), Size("rss", kTouches * kPage),
               Size("resident_less_status", 0_B));
}

const Register kStatmLagAnon{
    {.id = "counters/statm_lag_anon",
     .summary =
         "RSS of statm follows each write, or lags by 66 faults (<= 6.1)",
     .claim = "Seed 0: \"RSS is synced every 64 page faults\": it is 66, and "
              "every one since 6.16; smaps is always exact",
     .deed = "writes 400 pages and reads statm after each",
     .functions =
         "check_sync_rss_stat, add_mm_counter_fast, get_mm_counter_sum",
     .look_at = "most_lag: pages that are touched and not yet counted; "
                "end_lag: those that never are",
     .suite = Suite::kQuick,
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Count("most_lag")}}};

}  // namespace
}  // namespace oomgate
