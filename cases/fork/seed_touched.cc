// SPDX-License-Identifier: Apache-2.0
// What is touched does not count against fork: a parent that uses most of the
// memory can fork, since 5.2 whatever the size of its mapping below RAM + swap.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

struct Parent : Scene {
  Bytes size = f.available * 6 / 10 / kPage * kPage;
  Bytes half = size / 2 / kPage * kPage;
  Range Map(Bytes length) const {
    return MapAnonymous(trace, length, {.flags = MAP_PRIVATE | MAP_ANONYMOUS});
  }
  Range range = Map(size);
  Range second = {};

  // By how much it is another size than what was mapped.
  Bytes Accounted() const { return ReadMapping(range).accounted - size; }
  Bytes Rss() const { return ReadMapping(range).rss - size; }
  Bytes BothRss() const {
    return ReadMapping(range).rss + ReadMapping(second).rss - 2 * half;
  }
};

void InTwo(Parent& s) {
  Unmap(s.trace, s.range);
  s.range = s.Map(s.half);
  s.second = s.Map(s.half);
  WritePages(s.trace, s.range);
  WritePages(s.trace, s.second);
}

// What the child of such a parent costs: its tables, not its memory.
void KeepAChild(Parent& s) {
  const Bytes before = Meminfo("MemFree");
  LivingChild child(s.trace);
  child.Start([] {});
  s.Set("cost", before - Meminfo("MemFree"));
  s.Set("status", child.End());
}

Steps<Parent> Make(const Params&, const Facts& f) {
  // 8c7829b04c52 (5.2): the heuristic no longer looks at what is free.
  const bool heuristic = f.kernel < KernelVersion{5, 2};
  return {
      {"map", [] {}, Is("accounted less size", &Parent::Accounted, 0_B),
       ForkGives(0)},
      {"write all", [](Parent& s) { WritePages(s.trace, s.range); },
       Is("rss less size", &Parent::Rss, 0_B),
       ForkGives(heuristic ? ENOMEM : 0), VforkGives(0)},
      {"MADV_DONTFORK", Advise(&Parent::range, MADV_DONTFORK), ForkGives(0)},
      {"write the same in two pieces", InTwo, ForkGives(0)},
      // A table for every 2 MiB, and what a process has beside: 2 MiB is far
      // more than both, and far less than a copy.
      {"keep a child", KeepAChild, Size("cost", Le(2_MiB)), Count("status", 0),
       Is("kept", &Parent::BothRss, 0_B)},
  };
}

const Register kSeedTouched{
    {.id = "fork/seed_touched",
     .summary = "a parent that has touched 60 % of the memory can fork",
     .claim = "Seed 2, steps 1 to 5: fork fails once the mapping is touched: "
              "true up to 5.1 only",
     .functions = "dup_mmap, __vm_enough_memory, copy_pte_range",
     .look_at = "ENOMEM once it is written: free memory decides again",
     .needs = {.alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .steps = Make,
     .metrics = {Metric::Size("child_cost", "keep a child.cost")
                     .Within(262144, "slab and lists of the CPUs")}}};

}  // namespace
}  // namespace oomgate
