// SPDX-License-Identifier: Apache-2.0
// What it costs to give memory up: with munmap the mapping goes too, with
// MADV_DONTNEED the pages, with MADV_FREE nothing yet.
#include "oomgate/case.h"
#include "oomgate/cost.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr int kRounds = 21;

// What a page costs, by the median of the rounds.
std::int64_t PerPage(std::int64_t (&rounds)[kRounds]) {
  std::sort(rounds, rounds + kRounds);
  return rounds[kRounds / 2] / (kSize / kPage);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  std::int64_t unmap[kRounds];
  std::int64_t dontneed[kRounds];
  std::int64_t lazy[kRounds];
  std::int64_t touched = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Range range = MapAnonymous(trace, kSize);
    const auto measure = [&](auto release) {
      const std::int64_t faults = ReadUsage().minor_faults;
      WritePages(trace, range);
      touched += ReadUsage().minor_faults - faults >= kSize / kPage ? 1 : 0;
      const std::int64_t start = CostClock(CostOf::kThread);
      release();
      return CostClock(CostOf::kThread) - start;
    };
    dontneed[i] = measure([&] { TryAdvise(range, MADV_DONTNEED); });
    lazy[i] = measure([&] { TryAdvise(range, MADV_FREE); });
    trace.Add("lazy_rss", ReadMapping(range).rss.count);
    TryAdvise(range, MADV_DONTNEED);
    trace.Add("dontneed_rss", ReadMapping(range).rss.count);
    unmap[i] = measure([&] { Unmap(trace, range); });
  }
  trace.Set("touched", touched);
  trace.Set("munmap_ns_per_page", PerPage(unmap));
  trace.Set("dontneed_ns_per_page", PerPage(dontneed));
  trace.Set("free_ns_per_page", PerPage(lazy));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("touched", 3 * kRounds),
               Size("lazy_rss", kRounds * kSize), Size("dontneed_rss", 0_B),
               Count("munmap_ns_per_page", Gt(0)),
               Count("dontneed_ns_per_page", Gt(0)),
               Count("free_ns_per_page", Gt(0)));
}

const Register kReleaseCost{
    {.id = "madvise/release_cost",
     .summary = "what munmap, MADV_DONTNEED and MADV_FREE cost a page",
     .claim = "Seed 1: the cost falls from munmap to MADV_DONTNEED to "
              "MADV_FREE: measured, not judged",
     .deed = "21 times, writes 4 MiB and gives them up in each way",
     .functions = "zap_pte_range, madvise_free_pte_range, free_unref_page_list",
     .look_at = "the three metrics beside each other, and beside those of an "
                "older kernel",
     .suite = Suite::kNightly,
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Time("munmap_ns_per_page", "ns"),
                 Metric::Time("dontneed_ns_per_page", "ns"),
                 Metric::Time("free_ns_per_page", "ns")}}};

}  // namespace
}  // namespace oomgate
