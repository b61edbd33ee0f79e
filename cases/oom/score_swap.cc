// SPDX-License-Identifier: Apache-2.0
// What is swapped out still counts for the killer: /proc/<pid>/oom_score stays
// where it was while pages go from RAM to swap.
#include <poll.h>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kSize = 32_MiB;
constexpr int kTries = 1000;

std::int64_t Score() { return NumberIn("/proc/self/oom_score"); }

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapAnonymous(trace, kSize);
  MapCode();  // what it runs later on must not add to the score
  SettleRss(trace);
  trace.Set("empty", Score());
  // Different in each page: what is all zeroes needs no swap.
  WritePages(trace, range);
  for (Bytes at; at < kSize; at += kPage) {
    *reinterpret_cast<std::int64_t*>(range.start + at.count) = at.count + 1;
  }
  SettleRss(trace);
  trace.Set("in_ram", Score());
  // A page that is just in use is passed over.
  for (int i = 0; i < kTries && ReadMapping(range).swap < kSize; ++i) {
    if (TryAdvise(range, MADV_PAGEOUT) != 0) trace.Stop("MADV_PAGEOUT", errno);
    poll(nullptr, 0, 1);
  }
  trace.Set("swap", ReadMapping(range).swap);
  trace.Set("in_swap", Score());
}

Oracle Expect(const Params&, const Facts& f) {
  // Two of three thousandths show: see score_formula. What is mapped beside,
  // and rounding, may move it by a step; what is approximate, by more.
  const std::int64_t total = (f.ram + f.swap) / kPage;
  const std::int64_t rise = kSize / kPage * 1000 / total * 2 / 3;
  const std::int64_t error = 2 + RssError(f) * 1000 / total;
  return AllOf(
      Survives(), Size("swap", Eq(kSize)),
      Difference("in_ram", "empty",
                 Between<std::int64_t>(rise - error, rise + error)),
      Difference("in_swap", "in_ram", Between<std::int64_t>(-error, error)));
}

const Register kScoreSwap{
    {.id = "oom/score_swap",
     .summary = "what is in swap counts in oom_score as what is in RAM",
     .explains = {.claim = "Seed 1 (OOM, swap): badness adds swap entries "
                           "(Documentation/filesystems/proc.rst, 3.2)",
                  .deed = "writes 32 MiB, has them all swapped out, and reads "
                          "its score before and after",
                  .functions = "oom_badness, get_mm_counter(MM_SWAPENTS)",
                  .look_at =
                      "in_swap near empty says that swap does not count"},
     .needs = {.memory = 256_MiB, .swap = 64_MiB, .alone = true},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .metrics = {{.name = "swap", .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate::oom
