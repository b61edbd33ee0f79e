// SPDX-License-Identifier: Apache-2.0
// What is touched does not count against fork: a parent that uses most of the
// memory can fork, since 5.2 whatever the size of its mapping below RAM + swap.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Bytes size = f.available * 6 / 10 / kPage * kPage;
  // The seed's own order: one mapping, untouched, then touched.
  MapOptions charged;
  charged.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  Range range = MapAnonymous(trace, size, charged);
  trace.Set("accounted_less_size", ReadMapping(range).accounted - size);
  trace.Set("untouched_errno", TryFork());
  WritePages(trace, range);
  trace.Set("rss_less_size", ReadMapping(range).rss - size);
  trace.Set("touched_errno", TryFork());
  trace.Set("touched_vfork_errno", TryVfork());
  Advise(trace, range, MADV_DONTFORK);
  trace.Set("dontfork_errno", TryFork());
  Unmap(trace, range);

  // The same in two pieces.
  const Bytes half = size / 2 / kPage * kPage;
  range = MapAnonymous(trace, half, charged);
  const Range second = MapAnonymous(trace, half, charged);
  WritePages(trace, range);
  WritePages(trace, second);
  trace.Set("two_errno", TryFork());

  // And what the child of such a parent costs: its tables, not its memory.
  const Bytes free_before = Meminfo("MemFree");
  Gate gate(trace);
  const pid_t child = StartChild(trace, [&] { gate.Pass(); });
  trace.Set("child_cost", free_before - Meminfo("MemFree"));
  gate.Open();
  trace.Set("child_status", Reap(child));
  trace.Set("kept",
            ReadMapping(range).rss + ReadMapping(second).rss - 2 * half);
}

Oracle Expect(const Params&, const Facts& f) {
  // 8c7829b04c52 (5.2): the heuristic no longer looks at what is free.
  const bool heuristic = f.kernel < KernelVersion{5, 2};
  return AllOf(Survives(), Size("accounted_less_size", Eq(0_B)),
               Count("untouched_errno", Eq(0)), Size("rss_less_size", Eq(0_B)),
               Count("touched_errno", Eq(heuristic ? ENOMEM : 0)),
               Count("touched_vfork_errno", Eq(0)),
               Count("dontfork_errno", Eq(0)), Count("two_errno", Eq(0)),
               // A table for every 2 MiB, and what a process has beside: 1 MiB
               // is far more than both, and far less than a copy.
               Size("child_cost", Le(2_MiB)), Count("child_status", Eq(0)),
               Size("kept", Eq(0_B)));
}

const Register kSeedTouched{
    {.id = "fork/seed_touched",
     .summary = "a parent that has touched 60 % of the memory can fork",
     .explains =
         {.claim = "Seed 2, steps 1 to 5: fork fails once the mapping is "
                   "touched: true up to 5.1 only",
          .deed = "maps 60 % of what is available in one piece, forks before "
                  "and after touching it; the same in two pieces",
          .functions = "dup_mmap, __vm_enough_memory, copy_pte_range",
          .look_at = "touched_errno with untouched_errno 0 says that free "
                     "memory decides again; child_cost that fork copies"},
     .needs = {.alone = true,
               .settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "child_cost",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 262144,
                  .cause = "slab and lists of the CPUs"}}}};

}  // namespace
}  // namespace oomgate
