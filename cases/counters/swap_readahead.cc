// SPDX-License-Identifier: Apache-2.0
// What lies beside a page in swap is read along with it: up to 2^page-cluster
// pages where they are used in order, none where page-cluster is 0.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "oomgate/numbered_pages.h"
#include "oomgate/page_out.h"
#include "oomgate/swap_area.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 8_MiB;
constexpr std::int64_t kPages = kSize / kPage;
constexpr std::int64_t kStride = 601;  // no divisor of the number of pages

struct Order {
  const char* name;
  std::int64_t step;
};
constexpr Order kOrders[] = {
    {"forward", 1}, {"backward", -1}, {"scattered", kStride}};

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapAnonymous(trace, kSize);
  NumberPages(range);
  const auto set = [&](const Order& order, const char* what,
                       std::int64_t value) {
    char name[48];
    std::snprintf(name, sizeof name, "%s.%s", order.name, what);
    trace.Set(name, value);
  };
  // What was written for the first time stays in memory for a while.
  PageOut(trace, range);
  CountMisnumbered(range);
  for (const Order& order : kOrders) {
    PageOut(trace, range);
    const std::int64_t majors = Vmstat("pgmajfault");
    const std::int64_t ahead = Vmstat("swap_ra");
    const std::int64_t hits = Vmstat("swap_ra_hit");
    const std::int64_t in = Vmstat("pswpin");
    std::int64_t at = 0;
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < kPages; ++i) {
      wrong += *NumberAt(range, at * kPage) == at * kPage.count + 1 ? 0 : 1;
      at = (at + order.step + kPages) % kPages;
    }
    RefreshVmstat();
    set(order, "majors", Vmstat("pgmajfault") - majors);
    set(order, "ahead", Vmstat("swap_ra") - ahead);
    set(order, "hits", Vmstat("swap_ra_hit") - hits);
    set(order, "in", Vmstat("pswpin") - in);
    set(order, "both",
        Vmstat("pgmajfault") - majors + Vmstat("swap_ra") - ahead);
    set(order, "wrong", wrong);
  }
  Unmap(trace, range);
}

Oracle Expect(const Params& p, const Facts&) {
  const std::int64_t window = std::int64_t{1} << (p["cluster"][0] - '0');
  Oracle all = Survives();
  for (const Order& order : kOrders) {
    const std::string name = order.name;
    // Each page comes once: waited for, or ahead of that; in order the window
    // grows from one page, else it shrinks to that.
    const bool in_order = order.step == 1 || order.step == -1;
    const std::int64_t least = in_order ? kPages / window : kPages * 15 / 16;
    const std::int64_t most = in_order ? kPages / window + 16 : kPages;
    all = AllOf(all, Count(name + ".wrong", Eq(0)),
                Count(name + ".in", Eq(kPages)),
                Count(name + ".both", Eq(kPages)),
                Count(name + ".majors", Between(least, std::min(most, kPages))),
                Difference(name + ".hits", name + ".ahead", Eq(0)));
  }
  return all;
}

// What is swapped to memory is not read ahead.
std::string Probe(const Params&, const Facts&) {
  return std::strstr(FindSwapArea(*Trace::Share()).path, "zram") == nullptr
             ? ""
             : "swap is in memory (zram): nothing is read ahead";
}

const Register kSwapReadahead{
    {.id = "counters/swap_readahead",
     .summary = "swap is read ahead by page-cluster, where it is read in order",
     .explains = {.claim = "Seed 1: swap; admin-guide/sysctl/vm: page-cluster",
                  .deed =
                      "pages out 8 MiB, reads them back forward, backward and "
                      "scattered, with page-cluster at 0 and 3",
                  .functions = "swap_cluster_readahead, swap_vma_readahead, "
                               "__swapin_nr_pages",
                  .look_at =
                      "<order>.majors: how often the disk was waited for; "
                      ".ahead and .hits are swap_ra and swap_ra_hit"},
     .needs = {.swap = 64_MiB, .alone = true},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           instance.needs.settings = {
               {"/proc/sys/vm/page-cluster", std::string(p["cluster"])}};
         },
     .params = {{"cluster", {"0", "3"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
