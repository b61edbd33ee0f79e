// SPDX-License-Identifier: Apache-2.0
// Whether a group that may not swap does not: its swap is counted and limited
// to 0, and what it is asked to page out stays in memory.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kData = 16_MiB;

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Group box(f);
  trace.Set("limited", box.Has("memory.swap.max"));
  trace.Set("limit", box.Number("memory.swap.max"));
  const Range data = MapAnonymous(trace, kData);
  WritePages(trace, data);
  trace.Set("advice_errno", TryAdvise(data, MADV_PAGEOUT));
  trace.Set("swapped", StatusField("VmSwap"));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("limited", 1), Count("limit", 0),
               Count("advice_errno", 0), Size("swapped", 0_B));
}

const Register kSwapLimit{
    {.id = "validate/swap_limit",
     .summary = "memory.swap.max 0 is there, and is honoured",
     .claim = "the kubelet's NoSwap and LimitedSwap: a container swaps no more "
              "than memory.swap.max",
     .deed = "writes 16 MiB in a box that may not swap, and advises the kernel "
             "to page it out",
     .functions = "__mem_cgroup_try_charge_swap",
     .look_at = "limited 0: swap is not counted; swapped",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks

}  // namespace
}  // namespace oomgate
