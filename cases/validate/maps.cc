// SPDX-License-Identifier: Apache-2.0
// Whether a process can really have so many mappings here: it makes them, by
// turns with and without write access, so that no two are merged.
#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

// Of its own a process has a few: code, heap, stack, the trace.
constexpr std::int64_t kOwn = 64;

void Subject(Trace& trace, const Params& p, const Facts&) {
  const std::int64_t wanted = p.Number("count") - kOwn;
  const auto length = static_cast<std::size_t>(wanted) * 4096;
  char* const at = static_cast<char*>(
      mmap(nullptr, length, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (at == MAP_FAILED) trace.Stop("mmap of the range to divide", errno);
  std::atomic<std::int64_t>& made = trace.Counter("made");
  made = 1;
  // Each page that differs from both neighbours makes two more mappings.
  for (std::int64_t page = 1; page < wanted - 1; page += 2) {
    if (mprotect(at + page * 4096, 4096, PROT_READ) != 0) {
      trace.Set("errno", errno);
      return;
    }
    made += 2;
  }
  trace.Set("errno", 0);
}

Oracle Expect(const Params& p, const Facts&) {
  return AllOf(Survives(), Count("errno", Eq(0)),
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
     .explains = {.claim = "one mapping per file of an index (Elasticsearch), "
                           "per stack or arena; vm.max_map_count",
                  .deed = "divides a range by mprotect until it has them",
                  .functions =
                      "mprotect_fixup, split_vma, sysctl_max_map_count",
                  .look_at = "made: where it was refused"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 192_MiB},
     .adjust = Adjust,
     .params = {{"count", {"65000", "128000", "262144", "1048576"}}},
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks: no promise of every kernel

}  // namespace
}  // namespace oomgate
