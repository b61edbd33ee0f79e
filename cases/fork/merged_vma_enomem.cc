// SPDX-License-Identifier: Apache-2.0
// In mode 0 fork checks every mapping by itself: two neighbours that the kernel
// merged into one beyond RAM + swap make fork fail, apart they do not.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

// Two halves that are one page below RAM + swap together, or one above.
struct Halves : Scene {
  std::int64_t limit = (f.ram + f.swap) / kPage;
  Bytes half = (limit / 2 + (p["halves"] == "over" ? 1 : 0)) * kPage;
  Bytes gap = p["between"] == "guard" ? kPage : 0_B;
  int flags = p["between"] == "noreserve" ? MAP_NORESERVE : 0;
  Range hole = Reserve(trace, 2 * half + gap);
  Range first = hole.Part(0_B, half);
  Range second = hole.Part(half + gap, half);

  // How large the merged mapping may become.
  std::int64_t LargestMerged() const {
    return half / kPage + Largest(half / kPage - 1, [&](std::int64_t pages) {
             ReserveOver(trace, second);
             MapOver(trace, second.Part(0_B, pages * kPage));
             return TryFork() == 0;
           });
  }
};

void Map(Halves& h) {
  MapOver(h.trace, h.first, h.flags);
  MapOver(h.trace, h.second, h.flags);
  if (h.p["between"] == "advice") Advise(h.trace, h.second, MADV_RANDOM);
}

Steps<Halves> Make(const Params& p, const Facts& f) {
  const std::string_view between = p["between"];
  const bool refused = between == "nothing" && p["halves"] == "over";
  const int mappings = between == "guard" ? 3 : between == "advice" ? 2 : 1;
  Steps<Halves> steps = {
      {"map two halves", Map,
       Is(
           "mappings", [](Halves& h) { return ReadMapping(h.hole).mappings; },
           mappings)},
      {"fork", TryFork, Refused(refused ? ENOMEM : 0)},
      {"vfork", TryVfork}};
  if (refused) {
    steps.push_back(
        {"bisect the size that forks", [] {},
         Is("pages", &Halves::LargestMerged, (f.ram + f.swap) / kPage)});
  }
  return steps;
}

const Register kMergedVmaEnomem{
    {.id = "fork/merged_vma_enomem",
     .summary = "fork fails on one merged mapping beyond RAM + swap, only then",
     .claim = "Seed 2: \"fork: Cannot allocate memory\": each VMA is checked "
              "in dup_mmap, and two neighbouring mallocs are one VMA",
     .functions = "dup_mmap, security_vm_enough_memory_mm, vma_merge",
     .look_at = "mappings: whether they were merged",
     .needs = {.settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .params = {{"halves", {"under", "over"}},
                {"between", {"nothing", "guard", "advice", "noreserve"}}},
     .steps = Make,
     .metrics = {
         {.name = "fork_errno", .unit = "errno", .value = "fork.errno"}}}};

}  // namespace
}  // namespace oomgate
