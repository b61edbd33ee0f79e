// SPDX-License-Identifier: Apache-2.0
// A chain of dependent reads, one line a page, through 96 MiB: what huge pages
// save of a walk that misses the TLB at every step.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr Bytes kSize = 96_MiB;
constexpr std::int64_t kPages = kSize / kPage;

// Every page's first word leads to another page: one cycle through all, since
// the stride has no divisor in common with 3 * 2^13 pages.
constexpr std::int64_t kStep = 9973;

void Link(const Range& range) {
  for (std::int64_t page = 0; page < kPages; ++page) {
    const char* next = range.start + (page + kStep) % kPages * kPage.count;
    std::memcpy(range.start + page * kPage.count, &next, sizeof next);
  }
}

// The length of the cycle that the chain is; 0 beyond the number of pages.
std::int64_t Chase(const Range& range) {
  const char* at = range.start;
  for (std::int64_t steps = 1; steps <= kPages; ++steps) {
    std::memcpy(&at, at, sizeof at);
    if (at == range.start) return steps;
  }
  return 0;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const Range range = MapAnonymous(trace, kSize, {.pages = PagesOf(p)});
  WritePages(trace, range.Part(0_B, kHugePage));
  const std::int64_t before = ReadUsage().minor_faults;
  Link(range);
  const std::int64_t linked = ReadUsage().minor_faults;
  trace.Set("faults", linked - before);
  trace.Set("cycle", Chase(range));
  trace.Set("step_ps", BestStep(kPages, [&] {
              if (Chase(range) != kPages) trace.Stop("the chain is broken", 0);
            }));
  trace.Set("later_faults", ReadUsage().minor_faults - linked);
  const MappingUsage mapped = ReadMapping(range);
  trace.Set("rss", mapped.rss);
  trace.Set("anon_huge", mapped.anon_huge);
}

Oracle Expect(const Params& p, const Facts&) {
  const bool huge = p["pages"] == "huge";
  const std::int64_t faults = (kSize - kHugePage) / (huge ? kHugePage : kPage);
  return AllOf(Survives(), FaultsAtFirst(faults), Count("cycle", kPages),
               Size("rss", kSize), Size("anon_huge", huge ? kSize : 0_B));
}

const Register kTlbChase{
    {.id = "cost/tlb_chase",
     .summary = "a chain of reads through 96 MiB, with small and huge pages",
     .claim =
         "Seed 1: TLB misses, and that huge pages save them (perf.tlb_chase)",
     .deed = "links the pages of 96 MiB into one cycle and follows it",
     .functions =
         "do_anonymous_page, do_huge_pmd_anonymous_page, alloc_anon_folio",
     .look_at =
         "step_ps of small against huge, in pairs of runs, on real hardware",
     .suite = Suite::kNightly,
     .needs = HugeGuest(),
     .params = {{"pages", {"small", "huge"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Time("step_ps", "ps"), Metric::Count("faults")},
     .timeout_seconds = 120}};

}  // namespace
}  // namespace oomgate::cost
