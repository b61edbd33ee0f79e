// SPDX-License-Identifier: Apache-2.0
// What fork does not copy it does not check: DONTFORK takes a mapping out of
// the sum, WIPEONFORK does not, for the child is charged for it all the same.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

struct Mapping : Scene {
  Range big = MapBeyondFork(trace, f);
  Range half = big.Part(big.size / 2, big.size / 2);
};

Row<Mapping> Forks(int error, int mappings) {
  return Rows<Mapping>{
      {"fork errno", TryFork, error},
      {"mappings", [](Mapping& m) { return ReadMapping(m.big).mappings; },
       mappings}};
}

// Whether the half, or all of it, has a flag of smaps.
template <Range Mapping::*part = &Mapping::half>
Row<Mapping> Flag(const char* flag, int has) {
  return {flag, [=](Mapping& m) { return MappingHasFlag(m.*part, flag); }, has};
}

Steps<Mapping> Make(const Params&, const Facts& f) {
  const auto advise = [](Range Mapping::*part, int advice) {
    return [=](Mapping& m) { return TryAdvise(m.*part, advice); };
  };
  const auto protect = [](Range Mapping::*part) {
    return [=](Mapping& m) { return TryProtect(m.*part, PROT_READ); };
  };
  constexpr auto kHalf = &Mapping::half;
  constexpr auto kBig = &Mapping::big;
  // Since 6.7 (0e4ba5d1b3b4's series) mprotect gives back the charge of what
  // was never touched; before, a charge stayed once it was taken, so that
  // half of it charged and half of it not would not have merged either.
  const bool uncharges = f.kernel >= KernelVersion{6, 7};
  return {
      {"map", [] {}, {Forks(ENOMEM, 1)}},
      {"half DONTFORK",
       advise(kHalf, MADV_DONTFORK),
       {Forks(0, 2), Flag("dc", 1)}},
      {"half DOFORK",
       advise(kHalf, MADV_DOFORK),
       {Forks(ENOMEM, 1), Flag("dc", 0)}},
      {"all DONTFORK", advise(kBig, MADV_DONTFORK), {Forks(0, 1)}},
      {"all DOFORK", advise(kBig, MADV_DOFORK), {Forks(ENOMEM, 1)}},
      {"all WIPEONFORK",
       advise(kBig, MADV_WIPEONFORK),
       {Forks(ENOMEM, 1), Flag<kBig>("wf", 1)}},
      {"half KEEPONFORK", advise(kHalf, MADV_KEEPONFORK), {Forks(0, 2)}},
      {"all KEEPONFORK", advise(kBig, MADV_KEEPONFORK), {Forks(ENOMEM, 1)}},
      // A mapping that can no longer be written need not be charged.
      {"half PROT_READ",
       protect(kHalf),
       {Forks(0, 2), Flag("ac", uncharges ? 0 : 1)}},
      {"all PROT_READ",
       protect(kBig),
       {Forks(uncharges ? 0 : ENOMEM, 1), Flag<kBig>("ac", uncharges ? 0 : 1)}},
  };
}

const Register kDontforkWipeonfork{
    {.id = "fork/dontfork_wipeonfork",
     .summary = "fork checks what it copies: DONTFORK helps, WIPEONFORK not",
     .claim = "Seed 1: the madvise list; seed 2: each VMA is checked; "
              "madvise(2): DONTFORK is not available to the child",
     .functions =
         "dup_mmap (VM_DONTCOPY), madvise_behavior, mprotect_fixup, vma_merge",
     .look_at = "mappings tells a wrong merge from a wrong check",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
