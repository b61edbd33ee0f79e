// SPDX-License-Identifier: Apache-2.0
// Whether a program that is not root may lock so much memory here, as a heap
// with bootstrap.memory_lock does: by the limit that this program was given.
#include <linux/capability.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts&) {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  trace.Set("limit", static_cast<std::int64_t>(
                         std::min<rlim_t>(limit.rlim_cur, INT64_MAX)));
  // Who may lock anything is not asked.
  DropCapability(trace, CAP_IPC_LOCK);
  const Range heap = MapAnonymous(trace, p.Size("size"));
  trace.Set("errno", TryLock(heap));
  trace.Set("locked", StatusField("VmLck"));
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Count("errno", 0),
               Size("locked", Ge(p.Size("size"))));
}

const Register kMlock{
    {.id = "validate/mlock",
     .summary = "a program that is not root can lock so much memory",
     .claim = "bootstrap.memory_lock of Elasticsearch, heaps that are not to "
              "be swapped; RLIMIT_MEMLOCK",
     .deed = "gives up CAP_IPC_LOCK, maps and locks it",
     .functions = "do_mlock, can_do_mlock",
     .look_at = "errno 12: more than the limit; 1: it is 0",
     .blast = Blast::kCgroup,
     .needs = {.memory = 96_MiB},
     .params = {{"size", {"64m"}}},
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks

}  // namespace
}  // namespace oomgate
