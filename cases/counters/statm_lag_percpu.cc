// SPDX-License-Identifier: Apache-2.0
// RSS counts what a thread touched on one CPU after the other: nothing is lost
// between them, and since 6.16 nothing is late.
#include "cases/counters/statm.h"

namespace oomgate {
namespace {

constexpr std::int64_t kTouches = 15;  // on each CPU, below any batch

void Round(Trace& trace, Statm& statm, const RssSync& sync, const Range& range,
           int cpus) {
  sync.Now();
  statm.Read();
  const std::int64_t base = statm.resident;
  char* at = range.start;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    RunOnCpu(trace, cpu);
    for (int i = 0; i < kTouches; ++i, at += kPage.count) {
      *static_cast<volatile char*>(at) = 1;
    }
  }
  statm.Read();
  trace.Set("seen", statm.resident - base);
  sync.Now();
  statm.Read();
  trace.Set("synced", statm.resident - base);
  // And released on another CPU than they came from.
  RunOnCpu(trace, 0);
  Advise(trace, range, MADV_DONTNEED);
  statm.Read();
  trace.Set("released", statm.resident - base);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  MapCode();
  const Range range = MapAnonymous(trace, kTouches * f.cpus * kPage);
  Statm statm(trace);
  const RssSync sync(trace);
  // The first round faults in what it runs.
  for (int i = 0; i < 2; ++i) Round(trace, statm, sync, range, f.cpus);
}

Oracle Expect(const Params&, const Facts& f) {
  const std::int64_t all = kTouches * f.cpus;
  // Up to 6.1 they are with the thread, whatever its CPU, for 66 faults.
  const bool late = f.kernel < KernelVersion{6, 2};
  return AllOf(Survives(), Count("seen", late ? 0 : all), Count("synced", all),
               Count("released", 0));
}

const Register kStatmLagPercpu{
    {.id = "counters/statm_lag_percpu",
     .summary = "RSS holds what was touched on each CPU",
     .claim =
         "Seed 0: statm is imprecise: in 6.2 to 6.15 by a batch for each CPU",
     .deed = "writes 15 pages on each CPU, reads statm, releases them all on "
             "the first",
     .functions = "percpu_counter_add_batch, get_mm_counter_sum",
     .look_at = "synced: what is never counted; seen: what comes late",
     .needs = {.cpus = 2},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
