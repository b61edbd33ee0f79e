// SPDX-License-Identifier: Apache-2.0
// Automatic balancing brings hot pages to the node that uses them; switched
// off, it touches nothing.
#include <ctime>

#include "cases/numa/policy.h"

namespace oomgate::numa {
namespace {

constexpr std::int64_t kPages = 1024;
constexpr std::int64_t kMost = kPages * 9 / 10;
// The scanner starts after a second of CPU time (numa_balancing_scan_delay).
constexpr int kOff = 2;
constexpr int kDeadline = 20;

bool IsOn(const Params& p) { return p["balancing"] == "on"; }

// Uses all pages again and again, for CPU seconds, or until they are on node 0.
void Use(Placing& s) {
  timespec now = {};
  do {
    for (int round = 0; round < 64; ++round) {
      for (char* at = s.range.start; at < s.range.end(); at += kPage.count) {
        *const_cast<volatile char*>(at) = 1;
      }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (now.tv_sec < (IsOn(s.p) ? kDeadline : kOff) &&
           !(IsOn(s.p) && PagesOnNode(s.range, 0) >= kMost));
}

Steps<Placing> Make(const Params& p, const Facts&) {
  const testing::Matcher<std::int64_t> most =
      IsOn(p) ? testing::Matcher<std::int64_t>(Ge(kMost)) : Eq(0);
  return {
      {"write on node 1, then run on CPU 0",
       [](Placing& s) {
         RunOnCpu(s.trace, 0);
         return s.WriteUnder(MapAnonymous(s.trace, kPages * kPage), MPOL_BIND,
                             kNode1);
       },
       {ByNode(0, kPages)}},
      StepOf<Placing>(
          "use the pages", Use,
          {{"node0", [](Placing& s) { return PagesOnNode(s.range, 0); }, most},
           Change("scanned", Event("numa_pte_updates"), most),
           Change("faults", Event("numa_hint_faults"), most),
           Change("migrated", Event("numa_pages_migrated"), most)})
          .HoldsWithout(IsOn(p) ? "" : "off means that nothing changes")};
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {
      {"/proc/sys/kernel/numa_balancing", IsOn(p) ? "1" : "0"}};
}

const Register kBalancing{
    {.id = "numa/balancing",
     .summary = "hot pages move to who uses them; off means off",
     .claim = "Seed 1 (NUMA); admin-guide/sysctl/kernel.rst, numa_balancing",
     .functions = "task_numa_work, change_prot_numa, do_numa_page, "
                  "migrate_misplaced_folio",
     .look_at = "scanned, faults, migrated: which of them is missing",
     .suite = Suite::kNightly,
     .needs = TwoNodes(),
     .adjust = Adjust,
     .params = {{"balancing", {"on", "off"}}},
     .steps = Make,
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::numa
