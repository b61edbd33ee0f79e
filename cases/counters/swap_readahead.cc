// SPDX-License-Identifier: Apache-2.0
// What lies beside a page in swap is read along with it: up to 2^page-cluster
// pages where they are used in order, none where page-cluster is 0.
#include "cases/counters/readings.h"
#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr std::int64_t kPages = kSize / kPage;

struct Memory : Scene {
  Range range = MapAnonymous(trace, kSize);

  // What was written for the first time stays in memory for a while.
  void OutAndIn() const {
    NumberPages(range);
    PageOut(trace, range);
    Set("wrong", CountMisnumbered(range));
  }
  // Reads all of it back, `step` pages after the one before, all around.
  void ReadBack(std::int64_t step) const {
    PageOut(trace, range);
    const Growth growths[] = {{"majors", "pgmajfault"},
                              {"ahead", "swap_ra"},
                              {"hits", "swap_ra_hit"},
                              {"in", "pswpin"}};
    Set("wrong", 0);
    for (std::int64_t i = 0; i < kPages; ++i) {
      const Bytes at = i * step % kPages * kPage;
      if (*NumberAt(range, at) != at.count + 1) trace.Add("wrong", 1);
    }
    RefreshVmstat();
    for (const Growth& growth : growths) Set(growth.name, growth.Now());
    Set("both", growths[0].Now() + growths[1].Now());
  }
};

Steps<Memory> Make(const Params& p, const Facts&) {
  // In order the window grows from one page, else it shrinks to that.
  const std::int64_t windows = kPages >> p.Number("cluster");
  const auto in_order = Between(windows, std::min(windows + 16, kPages));
  const auto read = [](const char* name, std::int64_t step, auto majors) {
    // Each page comes once: waited for, or ahead of that.
    return StepOf<Memory>(
        name, [=](Memory& m) { m.ReadBack(step); }, Count("wrong", 0),
        Count("in", kPages), Count("both", kPages), Count("majors", majors),
        Difference("hits", "ahead", 0));
  };
  return {{"page out, read back", &Memory::OutAndIn, Count("wrong", 0)},
          read("forward", 1, in_order),
          read("backward", kPages - 1, in_order),
          // No divisor of the number of pages.
          read("scattered", 601, Between(kPages * 15 / 16, kPages))};
}

std::string Probe(const Params&, const Facts&) {
  return std::strstr(FindSwapArea(*Trace::Share()).path, "zram") == nullptr
             ? ""
             : "swap is in memory (zram): nothing is read ahead";
}

const Register kSwapReadahead{
    {.id = "counters/swap_readahead",
     .summary = "swap is read ahead by page-cluster, where it is read in order",
     .claim = "Seed 1: swap; admin-guide/sysctl/vm: page-cluster",
     .functions = "swap_cluster_readahead, swap_vma_readahead",
     .needs = {.swap = 64_MiB, .alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.settings = {
               kVmKnobs.With("page-cluster", p["cluster"])};
         },
     .params = {{"cluster", {"0", "3"}}},
     .probe = Probe,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
