// SPDX-License-Identifier: Apache-2.0
// Automatic balancing brings hot pages to the node that uses them; switched
// off, it touches nothing.
#include <ctime>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr const char* kKnob = "/proc/sys/kernel/numa_balancing";
constexpr std::int64_t kPages = 1024;
// The scanner starts after a second of CPU time (numa_balancing_scan_delay).
constexpr int kOff = 2;
constexpr int kDeadline = 20;

// Uses all pages again and again, for CPU seconds, or until they are on node 0.
void Use(const Range& range, int seconds, bool until_there) {
  timespec now = {};
  do {
    for (int round = 0; round < 64; ++round) {
      for (char* at = range.start; at < range.end(); at += kPage.count) {
        *const_cast<volatile char*>(at) = 1;
      }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (now.tv_sec < seconds &&
           !(until_there && PagesOnNode(range, 0) >= kPages * 9 / 10));
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  const bool on = p["balancing"] == "on";
  RunOnCpu(trace, 0);
  const Range range = MapAnonymous(trace, kPages * kPage);
  SetPolicy(MPOL_BIND, kNode1);
  WritePages(trace, range);
  SetPolicy(MPOL_DEFAULT, 0);
  trace.Set("before.node1", PagesOnNode(range, 1));
  const std::int64_t scanned = Vmstat("numa_pte_updates");
  const std::int64_t faults = Vmstat("numa_hint_faults");
  const std::int64_t migrated = Vmstat("numa_pages_migrated");
  Use(range, on ? kDeadline : kOff, on);
  trace.Set("after.node0", PagesOnNode(range, 0));
  trace.Set("scanned", Vmstat("numa_pte_updates") - scanned);
  trace.Set("faults", Vmstat("numa_hint_faults") - faults);
  trace.Set("migrated", Vmstat("numa_pages_migrated") - migrated);
}

Oracle Expect(const Params& p, const Facts&) {
  const Oracle start = AllOf(Survives(), Count("before.node1", Eq(kPages)));
  if (p["balancing"] == "off") {
    return AllOf(start, Count("after.node0", Eq(0)), Count("scanned", Eq(0)),
                 Count("faults", Eq(0)), Count("migrated", Eq(0)));
  }
  return AllOf(start, Count("after.node0", Ge(kPages * 9 / 10)),
               Count("scanned", Ge(kPages * 9 / 10)),
               Count("faults", Ge(kPages * 9 / 10)),
               Count("migrated", Ge(kPages * 9 / 10)));
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {{kKnob, p["balancing"] == "on" ? "1" : "0"}};
}

const Register kBalancing{
    {.id = "numa/balancing",
     .summary = "hot pages move to who uses them; off means off",
     .explains =
         {.claim = "Seed 1 (NUMA); admin-guide/sysctl/kernel.rst, "
                   "numa_balancing",
          .deed = "uses 1024 pages of node 1 from CPU 0 until they have moved",
          .functions = "task_numa_work, change_prot_numa, do_numa_page, "
                       "migrate_misplaced_folio",
          .look_at = "scanned, faults, migrated: which step is missing"},
     .suite = Suite::kNightly,
     .needs = TwoNodes(),
     .adjust = Adjust,
     .params = {{"balancing", {"on", "off"}}},
     .subject = Subject,
     .expect = Expect,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::numa
