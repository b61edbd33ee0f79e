// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED of a huge page of the pool takes it as a whole or not at all:
// less than a page takes nothing, so no byte is lost that was not given up.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kPool = 4;
constexpr int kPages = 3;

struct Part {
  const char* name;
  Bytes from;
  Bytes size;
  int advice;
  int error;
  int given;  // huge pages, from the first on, that are gone with it
};

constexpr Part kParts[] = {
    {"a small page", 0_B, kPage, MADV_DONTNEED, 0, 0},
    {"less than a huge page", 0_B, kHugePage - kPage, MADV_DONTNEED, 0, 0},
    {"from inside of one", kPage, kHugePage, MADV_DONTNEED, EINVAL, 0},
    {"lazily", 0_B, kHugePage, MADV_FREE, EINVAL, 0},
    {"a huge page", 0_B, kHugePage, MADV_DONTNEED, 0, 1},
    {"a little more than two", 0_B, 2 * kHugePage + kPage, MADV_DONTNEED, 0, 2},
    {"all", 0_B, kPages* kHugePage, MADV_DONTNEED, 0, kPages},
};

std::int64_t Free() { return FieldIn("/proc/meminfo", "HugePages_Free"); }

// Three pages, written; a part given up; what is gone reads as zero.
auto GiveUp(const Part& part) {
  return [part](Scene& s) {
    const Range range =
        MapBare(s.trace, kPages * kHugePage, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
    WritePages(s.trace, range);
    const std::int64_t before = Free();
    const int error = TryAdvise(range.Part(part.from, part.size), part.advice);
    s.Set("given", Free() - before);
    s.Set("lost", CountOther(range, 1));
    Unmap(s.trace, range);
    return error;
  };
}

Steps<Scene> Make(const Params&, const Facts& f) {
  // 90e7e7f5ef3f (5.18); before, no page of the pool is given up so.
  const bool takes = f.kernel >= KernelVersion{5, 18};
  Steps<Scene> steps = {{"look at the pool", [] {}, Is("free", Free, kPool)}};
  for (const Part& part : kParts) {
    const int given = takes ? part.given : 0;
    steps.push_back(
        {part.name, GiveUp(part), Refused(takes ? part.error : EINVAL),
         Count("given", given), Count("lost", given * (kHugePage / kPage)),
         Is("free", Free, kPool)});
  }
  return steps;
}

const Register kDontneedHugetlb{
    {.id = "madvise/dontneed_hugetlb",
     .summary = "MADV_DONTNEED takes huge pages of the pool whole or not",
     .claim = "Seed 1: the list of madvise; madvise(2), MADV_DONTNEED: since "
              "5.18 for hugetlb, the length rounded down to whole huge pages",
     .functions = "madvise_dontneed_free_valid_vma, "
                  "madvise_dontneed_single_vma, unmap_hugepage_range",
     .look_at = "given: huge pages that the pool got back; lost: small ones "
                "that read as zero",
     .suite = Suite::kQuick,
     .needs = {.alone = true, .settings = {kVmKnobs.With("nr_hugepages", "4")}},
     .steps = Make,
     .known = {{.what = "the length is rounded up: 8ebe0a5eaaeb (6.1)",
                .since = {5, 18},
                .fixed = {6, 1}}}}};

}  // namespace
}  // namespace oomgate
