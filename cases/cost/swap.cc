// SPDX-License-Identifier: Apache-2.0
// What it costs to write pages to swap and to read them back, one by one.
#include "cases/cost/rounds.h"

namespace oomgate::cost {
namespace {

constexpr Bytes kSize = 4_MiB;

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Range range = MapAnonymous(trace, kSize);
  WritePages(trace, range);
  const auto out = [&] {
    if (TryAdvise(range, MADV_PAGEOUT) != 0) trace.Stop("MADV_PAGEOUT", errno);
  };
  const auto in = [&] { WritePages(trace, range); };
  const auto swapped = [&] { return ReadMapping(range).swap; };
  if (p["way"] == "out") {
    MeasureCost(
        trace, f, CostOf::kElapsed, [] {}, out,
        [&] {
          trace.Add("done", swapped() >= kSize * 9 / 10 ? 1 : 0);
          in();
        });
  } else {
    MeasureCost(trace, f, CostOf::kElapsed, out, in,
                [&] { trace.Add("done", swapped() == 0_B ? 1 : 0); });
  }
}

const Register kSwap{
    Costs({.id = "cost/swap",
           .summary = "what swapping a page out and in costs",
           .claim = "Seed 1: swap; what it costs to rely on it",
           .deed = "has 4 MiB paged out by MADV_PAGEOUT and touches them "
                   "again, many times",
           .functions = "reclaim_pages, swap_writepage, do_swap_page",
           .needs = {.memory = 128_MiB, .swap = 64_MiB, .alone = true},
           .params = {{"way", {"out", "in"}}},
           .subject = Subject,
           .expect = EachRoundDid<1>})};

}  // namespace
}  // namespace oomgate::cost
