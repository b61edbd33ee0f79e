// SPDX-License-Identifier: Apache-2.0
// What fork costs: in proportion to the pages that it copies tables of, next to
// nothing for what was only read or is huge.
#include "cases/fork/neighbours.h"
#include "oomgate/cost.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;
constexpr int kRounds = 15;

// The time of this thread that the quickest of some forks takes.
std::int64_t ForkTime() {
  std::int64_t best = INT64_MAX;
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t start = CostClock(CostOf::kThread);
    TryFork();
    best = std::min(best, CostClock(CostOf::kThread) - start);
  }
  return best;
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const bool huge = p["kind"] == "thp";
  MapOptions options;
  options.pages = huge ? MapOptions::kHuge : MapOptions::kSmall;
  const Range range = MapAnonymous(trace, kSize, options);
  ForkTime();
  const std::int64_t base = ForkTime();
  if (p["kind"] == "zero") {
    ReadPages(trace, range);
  } else {
    WritePages(trace, range, huge ? kHugePage : kPage);
  }
  const std::int64_t filled = ForkTime();
  trace.Set("base_ns", base);
  trace.Set("fork_ns", filled);
  trace.Set("fork_ns_per_page", (filled - base) / (kSize / kPage));
}

Oracle Expect(const Params& p, const Facts&) {
  // No promise about time: only that copying 16384 entries is seen at all.
  const Oracle ran = AllOf(Survives(), Count("base_ns", Gt(0)));
  return p["kind"] == "written"
             ? AllOf(ran, Difference("fork_ns", "base_ns", Gt(0)))
             : ran;
}

const Register kLatency{
    {.id = "fork/latency",
     .summary = "the cost of fork, by what there is to copy",
     .claim = "Seed 2: what fork copies",
     .deed = "forks a parent of 64 MiB that are written, only read, or huge; "
             "the quickest of 15",
     .functions = "copy_page_range, copy_present_pte, copy_huge_pmd",
     .look_at = "fork_ns_per_page, against an older kernel",
     .suite = Suite::kNightly,
     .needs = {.memory = 512_MiB,
               .settings = {kThpKnobs.With("enabled", "madvise")}},
     .params = {{"kind", {"written", "zero", "thp"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {Metric::Time("fork_ns", "ns"),
                 Metric::Time("fork_ns_per_page", "ns")}}};

}  // namespace
}  // namespace oomgate
