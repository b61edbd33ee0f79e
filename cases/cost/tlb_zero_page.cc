// SPDX-License-Identifier: Apache-2.0
// What address translation alone costs: reads all over 1 GiB that is one zero
// page hit the cache every time, and the TLB hardly ever.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

// Picoseconds a read, at pages in random order. The sum of what it read is 0.
std::int64_t ReadAround(const Range& range, std::int64_t& sum) {
  constexpr std::int64_t kReads = 1 << 20;
  const volatile char* const start = range.start;
  const auto pages = static_cast<std::uint64_t>(range.size / kPage);
  return BestStep(kReads, [&] {
    std::uint64_t random = 88172645463325252ULL;
    for (std::int64_t i = 0; i < kReads; ++i) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      const std::uint64_t page = (random >> 33) % pages;
      // Within one page: other lines of it stay cached too.
      sum += start[page * static_cast<std::uint64_t>(kPage.count)];
    }
  });
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range = MapAnonymous(
      trace, 1_GiB, {.prot = PROT_READ, .align = 1_GiB, .pages = PagesOf(p)});
  std::int64_t sum = 0;
  const std::int64_t before = ReadUsage().minor_faults;
  ReadPages(trace, range);
  const std::int64_t mapped = ReadUsage().minor_faults;
  trace.Set("faults", mapped - before);
  trace.Set("narrow_ps", ReadAround(range.Part(0_B, 8 * kPage), sum));
  trace.Set("wide_ps", ReadAround(range, sum));
  trace.Set("later_faults", ReadUsage().minor_faults - mapped);
  trace.Set("sum", sum);
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params& p, const Facts&) {
  const std::int64_t faults =
      p["pages"] == "huge" ? 1_GiB / kHugePage : 1_GiB / kPage;
  return AllOf(Survives(), FaultsAtFirst(faults), Count("sum", 0),
               Size("rss", 0_B), Count("wide_ps", Gt(0)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["pages"] == "huge") instance.needs = HugeGuest();
}

const Register kTlbZeroPage{
    {.id = "cost/tlb_zero_page",
     .summary = "random reads of 1 GiB of zero page: the cost of translation",
     .claim = "Seed 1: TLB misses (perf.tlb_zero_page)",
     .deed = "maps 1 GiB to the one zero page, reads it in random order, and 8 "
             "pages for comparison",
     .functions = "do_anonymous_page, do_huge_pmd_anonymous_page",
     .look_at = "wide_ps less narrow_ps, in pairs of runs, on real hardware",
     .suite = Suite::kNightly,
     .adjust = Adjust,
     .params = {{"pages", {"small", "huge"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Time("wide_ps", "ps"),
                 Metric::Time("narrow_ps", "ps")},
     .timeout_seconds = 120}};

}  // namespace
}  // namespace oomgate::cost
