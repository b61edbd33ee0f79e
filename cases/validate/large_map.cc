// SPDX-License-Identifier: Apache-2.0
// Whether one mapping of so many percent of RAM and swap is granted here, as
// this host is set up. Nothing of it is touched.
#include "cases/validate/without_harm.h"

namespace oomgate {
namespace {

Bytes Wanted(const Params& p, const Facts& f) {
  return (f.ram + f.swap) * p.Number("percent") / 100 / kPage * kPage;
}

bool Charged(const Params& p) { return p["kind"] != "reserved"; }

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const Bytes wanted = Wanted(p, f);
  trace.Set("wanted", wanted);
  trace.Set("commit_limit", Meminfo("CommitLimit"));
  trace.Set("committed", Meminfo("Committed_AS"));
  if (Charged(p) && CertainlyRefused(wanted)) {
    trace.Set("computed", 1);
    trace.Set("errno", ENOMEM);
    return;
  }
  const int prot = Charged(p) ? PROT_READ | PROT_WRITE : PROT_NONE;
  const int flags = p["kind"] == "private" ? 0 : MAP_NORESERVE;
  trace.Set("errno", TryMap(wanted, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags));
}

std::string Probe(const Params& p, const Facts& f) {
  return Charged(p) ? WouldHarm(Wanted(p, f)) : "";
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("errno", 0));
}

const Register kLargeMap{
    {.id = "validate/large_map",
     .summary = "a mapping of so many percent of RAM + swap is granted",
     .claim = "what heaps, arenas and caches ask for at their start; depends "
              "on the mode of overcommit",
     .deed = "maps it, and unmaps it: private, without reserve, or reserved "
             "without access",
     .functions = "__vm_enough_memory",
     .look_at = "errno 12; computed 1 where mode 2 is certain to refuse, and "
                "so was not asked",
     .params = {{"percent", {"40", "80", "200"}},
                {"kind", {"private", "noreserve", "reserved"}}},
     .probe = Probe,
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks: no promise of every kernel

}  // namespace
}  // namespace oomgate
