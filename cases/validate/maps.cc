// SPDX-License-Identifier: Apache-2.0
// Whether a process can really have so many mappings here: it makes them, by
// turns with and without write access, so that no two are merged.
#include "oomgate/case.h"

namespace oomgate {
namespace {

// Of its own a process has a few: code, heap, stack, the trace.
constexpr std::int64_t kOwn = 64;

void Subject(Trace& trace, const Params& p, const Facts&) {
  const std::int64_t wanted = p.Number("count") - kOwn;
  const Range all = MapBare(trace, wanted * kPage, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  std::atomic<std::int64_t>& made = trace.Counter("made");
  made = 1;
  // Each page that differs from both neighbours makes two more mappings.
  int error = 0;
  for (std::int64_t page = 1; page < wanted - 1 && error == 0; page += 2) {
    error = TryProtect(all.Part(page * kPage, kPage), PROT_READ);
    if (error == 0) made += 2;
  }
  trace.Set("errno", error);
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Count("errno", 0),
               Count("made", Ge(p.Number("count") - kOwn - 2)));
}

// A mapping costs the kernel about 240 bytes, and its place in the tree.
void Adjust(const Params& p, InstanceInfo& instance) {
  if (p.Number("count") < 1'000'000) return;
  instance.needs.memory = 320_MiB;
  instance.timeout_seconds = 120;  // a slow guest needs 20
}

const Register kMaps{
    {.id = "validate/maps",
     .summary = "a process can have so many mappings",
     .claim = "one mapping per file of an index (Elasticsearch), per stack or "
              "arena; vm.max_map_count",
     .functions = "mprotect_fixup, split_vma, sysctl_max_map_count",
     .look_at = "made: where it was refused",
     .blast = Blast::kCgroup,
     .needs = {.memory = 192_MiB},
     .adjust = Adjust,
     .params = {{"count", {"65000", "128000", "262144", "1048576"}}},
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks: no promise of every kernel

}  // namespace
}  // namespace oomgate
