// SPDX-License-Identifier: Apache-2.0
// What is swapped out still counts for the killer: /proc/<pid>/oom_score stays
// where it was while pages go from RAM to swap.
#include "cases/oom/contest.h"
#include "oomgate/numbered_pages.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kSize = 32_MiB;

struct Swapped : Scene {
  Range range = MapAnonymous(trace, kSize);

  // Without what it runs later on.
  std::int64_t Score() const {
    MapCode();
    SettleRss(trace);
    return NumberIn("/proc/self/oom_score");
  }
  // Different in each page: what is all zeroes needs no swap.
  void Write() const { NumberPages(range); }
  Bytes InSwap() const { return ReadMapping(range).swap; }
  // A page that is just in use is passed over.
  void PageOut() const {
    for (int tries = 1000; tries > 0 && InSwap() < kSize; --tries) {
      Advise(trace, range, MADV_PAGEOUT);
      poll(nullptr, 0, 1);
    }
  }
};

Steps<Swapped> Make(const Params&, const Facts& f) {
  // Two of three thousandths show: see score_formula. What is mapped beside,
  // and rounding, may move it by a step; what is approximate, by more.
  const std::int64_t total = (f.ram + f.swap) / kPage;
  const std::int64_t rise = kSize / kPage * 1000 / total * 2 / 3;
  const std::int64_t error = 2 + RssError(f) * 1000 / total;
  return {
      {"write 32 MiB",
       &Swapped::Write,
       {Change("score", &Swapped::Score, Between(rise - error, rise + error))}},
      {"page it all out",
       &Swapped::PageOut,
       {{"swap", &Swapped::InSwap, kSize},
        Change("score", &Swapped::Score, Between(-error, error))}}};
}

const Register kScoreSwap{
    {.id = "oom/score_swap",
     .summary = "what is in swap counts in oom_score as what is in RAM",
     .claim = "Seed 1 (OOM, swap): badness adds swap entries "
              "(Documentation/filesystems/proc.rst, 3.2)",
     .functions = "oom_badness, get_mm_counter(MM_SWAPENTS)",
     .look_at = "a score that falls: swap does not count",
     .needs = {.memory = 256_MiB, .swap = 64_MiB, .alone = true},
     .steps = Make,
     .oom_score_adj = 0,
     .metrics = {Metric::Size("swap", "page it all out.swap").EitherWay()}}};

}  // namespace
}  // namespace oomgate::oom
