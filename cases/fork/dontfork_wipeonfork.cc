// SPDX-License-Identifier: Apache-2.0
// What fork does not copy it does not check: DONTFORK takes a mapping out of
// the sum, WIPEONFORK does not, for the child is charged for it all the same.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

// What fork says now, and how many mappings there are.
void Try(Trace& trace, const Range& big, const char* fork_errno,
         const char* mappings) {
  trace.Set(fork_errno, TryFork());
  trace.Set(mappings, ReadMapping(big).mappings);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range big = MapBeyondFork(trace, f);
  const Range half = big.Part(big.size / 2, big.size / 2);
  Try(trace, big, "whole_errno", "whole_mappings");

  Advise(trace, half, MADV_DONTFORK);
  Try(trace, big, "dontfork_errno", "dontfork_mappings");
  trace.Set("dontfork_dc", MappingHasFlag(half, "dc"));
  Advise(trace, half, MADV_DOFORK);
  Try(trace, big, "dofork_errno", "dofork_mappings");
  trace.Set("dofork_dc", MappingHasFlag(half, "dc"));

  Advise(trace, big, MADV_DONTFORK);
  Try(trace, big, "all_dontfork_errno", "all_dontfork_mappings");
  Advise(trace, big, MADV_DOFORK);

  Advise(trace, big, MADV_WIPEONFORK);
  Try(trace, big, "wipe_errno", "wipe_mappings");
  trace.Set("wipe_wf", MappingHasFlag(big, "wf"));
  Advise(trace, half, MADV_KEEPONFORK);
  Try(trace, big, "half_wipe_errno", "half_wipe_mappings");
  Advise(trace, big, MADV_KEEPONFORK);
  Try(trace, big, "keep_errno", "keep_mappings");

  // A mapping that can no longer be written need not be charged.
  Protect(trace, half, PROT_READ);
  Try(trace, big, "half_read_errno", "half_read_mappings");
  trace.Set("half_read_ac", MappingHasFlag(half, "ac"));
  Protect(trace, big, PROT_READ);
  Try(trace, big, "read_errno", "read_mappings");
  trace.Set("read_ac", MappingHasFlag(big, "ac"));
}

Oracle Expect(const Params&, const Facts& f) {
  // Since 6.7 (0e4ba5d1b3b4's series) mprotect gives back the charge of what
  // was never touched; before, a charge stayed once it was taken, so that
  // half of it charged and half of it not would not have merged either.
  const bool uncharges = f.kernel >= KernelVersion{6, 7};
  const auto step = [](const std::string& name, int error, int mappings) {
    return AllOf(Count(name + "_errno", Eq(error)),
                 Count(name + "_mappings", Eq(mappings)));
  };
  return AllOf(Survives(), step("whole", ENOMEM, 1), step("dontfork", 0, 2),
               Count("dontfork_dc", Eq(1)), step("dofork", ENOMEM, 1),
               Count("dofork_dc", Eq(0)), step("all_dontfork", 0, 1),
               step("wipe", ENOMEM, 1), Count("wipe_wf", Eq(1)),
               step("half_wipe", 0, 2), step("keep", ENOMEM, 1),
               step("half_read", 0, 2),
               Count("half_read_ac", Eq(uncharges ? 0 : 1)),
               step("read", uncharges ? 0 : ENOMEM, 1),
               Count("read_ac", Eq(uncharges ? 0 : 1)));
}

const Register kDontforkWipeonfork{
    {.id = "fork/dontfork_wipeonfork",
     .summary = "fork checks what it copies: DONTFORK helps, WIPEONFORK not",
     .explains =
         {.claim = "Seed 1: the madvise list; seed 2: each VMA is checked; "
                   "madvise(2): DONTFORK is not available to the child",
          .deed =
              "gives a mapping beyond RAM + swap, or half of it, one advice "
              "after the other, and forks after each",
          .functions = "dup_mmap (VM_DONTCOPY), madvise_behavior, "
                       "mprotect_fixup, vma_merge",
          .look_at = "mappings tells a wrong merge from a wrong check"},
     .suite = Suite::kQuick,
     .needs = {.settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
