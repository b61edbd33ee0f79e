// SPDX-License-Identifier: Apache-2.0
// In mode 0 fork checks every mapping by itself: two neighbours that the kernel
// merged into one beyond RAM + swap make fork fail, apart they do not.
#include <cerrno>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

void Subject(Trace& trace, const Params& p, const Facts& f) {
  // Two halves that are one page below RAM + swap together, or one above.
  const std::int64_t limit = (f.ram + f.swap) / kPage;
  const Bytes half = (limit / 2 + (p["halves"] == "over" ? 1 : 0)) * kPage;
  const std::string_view between = p["between"];
  const Bytes gap = between == "guard" ? kPage : 0_B;
  const Range hole = Reserve(trace, 2 * half + gap);
  const Range first = hole.Part(0_B, half);
  const Range second = hole.Part(half + gap, half);
  MapOver(trace, first, between == "noreserve" ? MAP_NORESERVE : 0);
  MapOver(trace, second, between == "noreserve" ? MAP_NORESERVE : 0);
  if (between == "advice") Advise(trace, second, MADV_RANDOM);
  trace.Set("mappings", ReadMapping(hole).mappings);
  trace.Set("fork_errno", TryFork());
  trace.Set("vfork_errno", TryVfork());
  // How large the merged mapping may become.
  const auto forks = [&](std::int64_t pages) {
    ReserveOver(trace, second);
    MapOver(trace, second.Part(0_B, pages * kPage));
    return TryFork() == 0;
  };
  if (between == "nothing" && p["halves"] == "over") {
    trace.Set("largest_pages", half / kPage + Largest(half / kPage - 1, forks));
  }
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::string_view between = p["between"];
  const bool refused = between == "nothing" && p["halves"] == "over";
  const int mappings = between == "guard" ? 3 : between == "advice" ? 2 : 1;
  const Oracle forks = AllOf(Survives(), Count("mappings", Eq(mappings)),
                             Count("fork_errno", Eq(refused ? ENOMEM : 0)),
                             Count("vfork_errno", Eq(0)));
  if (!refused) return forks;
  return AllOf(forks, Count("largest_pages", Eq((f.ram + f.swap) / kPage)));
}

const Register kMergedVmaEnomem{
    {.id = "fork/merged_vma_enomem",
     .summary = "fork fails on one merged mapping beyond RAM + swap, only then",
     .explains =
         {.claim =
              "Seed 2: \"fork: Cannot allocate memory\": each VMA is checked "
              "in dup_mmap, and two neighbouring mallocs are one VMA",
          .deed = "maps two halves of RAM + swap next to each other, with "
                  "something or nothing between them, touches nothing, forks",
          .functions = "dup_mmap, security_vm_enough_memory_mm, vma_merge",
          .look_at = "mappings says whether they were merged; fork_errno "
                     "whether the check is per mapping; largest_pages where "
                     "its limit is"},
     .needs = {.settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .params = {{"halves", {"under", "over"}},
                {"between", {"nothing", "guard", "advice", "noreserve"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "fork_errno", .unit = "errno"}}}};

}  // namespace
}  // namespace oomgate
