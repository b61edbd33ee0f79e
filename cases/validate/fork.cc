// SPDX-License-Identifier: Apache-2.0
// Whether a process that mapped so many percent of RAM and swap can fork here.
// Nothing of it is touched: what is asked is whether the kernel allows it.
#include "cases/validate/without_harm.h"

namespace oomgate {
namespace {

Bytes Mapped(const Params& p, const Facts& f) {
  return (f.ram + f.swap) * p.Number("percent") / 100 / kPage * kPage;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Bytes size = Mapped(p, f);
  trace.Set("mapped", size);
  trace.Set("commit_limit", Meminfo("CommitLimit"));
  trace.Set("committed", Meminfo("Committed_AS"));
  if (CertainlyRefused(2 * size)) {
    trace.Set("computed", 1);
    trace.Set("fork_errno", ENOMEM);
    return;
  }
  MapBare(trace, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  trace.Set("fork_errno", TryFork());
}

std::string Probe(const Params& p, const Facts& f) {
  return WouldHarm(2 * Mapped(p, f));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("fork_errno", 0));
}

const Register kFork{
    {.id = "validate/fork",
     .summary = "who mapped so many percent of RAM + swap can fork",
     .claim = "a snapshot by fork (BGSAVE of redis) of a large process; "
              "depends on the mode of overcommit",
     .deed = "maps it privately, forks; the child ends at once",
     .functions = "dup_mmap, __vm_enough_memory",
     .look_at = "fork_errno 12; computed 1 where mode 2 is certain to refuse, "
                "and so was not asked",
     .params = {{"percent", {"30", "60"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks: no promise of every kernel

}  // namespace
}  // namespace oomgate
