// SPDX-License-Identifier: Apache-2.0
// MADV_DONTNEED of a huge page of the pool takes it as a whole or not at all:
// less than a page takes nothing, so no byte is lost that was not given up.
#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kPool = 4;
constexpr int kPages = 3;

struct Step {
  const char* name;
  Bytes from;
  Bytes size;
  int advice;
  int error;
  int given;  // huge pages, from the first on, that are gone with it
};

constexpr Step kSteps[] = {
    {"small", 0_B, kPage, MADV_DONTNEED, 0, 0},
    {"less", 0_B, kHugePage - kPage, MADV_DONTNEED, 0, 0},
    {"inside", kPage, kHugePage, MADV_DONTNEED, EINVAL, 0},
    {"lazily", 0_B, kHugePage, MADV_FREE, EINVAL, 0},
    {"whole", 0_B, kHugePage, MADV_DONTNEED, 0, 1},
    {"more", 0_B, 2 * kHugePage + kPage, MADV_DONTNEED, 0, 2},
    {"all", 0_B, kPages* kHugePage, MADV_DONTNEED, 0, kPages},
};

std::int64_t Free() { return FieldIn("/proc/meminfo", "HugePages_Free"); }

void Set(Trace& trace, const Step& step, const char* what, std::int64_t value) {
  char name[48];
  std::snprintf(name, sizeof name, "%s.%s", step.name, what);
  trace.Set(name, value);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  trace.Set("pool", Free());
  for (const Step& step : kSteps) {
    void* const at =
        mmap(nullptr, Length(kPages * kHugePage), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (at == MAP_FAILED) trace.Stop("mmap of huge pages", errno);
    const Range range{.start = static_cast<char*>(at),
                      .size = kPages * kHugePage};
    WritePages(trace, range);
    const std::int64_t before = Free();
    Set(trace, step, "errno",
        TryAdvise(range.Part(step.from, step.size), step.advice));
    Set(trace, step, "given", Free() - before);
    // What is gone reads as zero.
    Set(trace, step, "lost", CountOther(range, 1));
    munmap(at, Length(kPages * kHugePage));
  }
  trace.Set("left", Free());
}

Oracle Expect(const Params&, const Facts& f) {
  // 90e7e7f5ef3f (5.18); before, no page of the pool is given up so.
  const bool takes = f.kernel >= KernelVersion{5, 18};
  Oracle steps = Survives();
  for (const Step& step : kSteps) {
    const std::string name = step.name;
    const int given = takes ? step.given : 0;
    steps =
        AllOf(steps, Count(name + ".errno", Eq(takes ? step.error : EINVAL)),
              Count(name + ".given", Eq(given)),
              Count(name + ".lost", Eq(given * (kHugePage / kPage))));
  }
  return AllOf(steps, Count("pool", Eq(kPool)), Count("left", Eq(kPool)));
}

const Register kDontneedHugetlb{
    {.id = "madvise/dontneed_hugetlb",
     .summary = "MADV_DONTNEED takes huge pages of the pool whole or not",
     .explains = {.claim = "Seed 1: the list of madvise; madvise(2), "
                           "MADV_DONTNEED: since 5.18 for hugetlb, the length "
                           "rounded down to whole huge pages",
                  .deed = "writes three huge pages, gives up less than one, "
                          "one, more than two, all; reads all bytes again",
                  .functions = "madvise_dontneed_free_valid_vma, "
                               "madvise_dontneed_single_vma, "
                               "unmap_hugepage_range",
                  .look_at = "<step>.given are huge pages that the pool got "
                             "back, .lost small ones that read as zero"},
     .suite = Suite::kQuick,
     .needs = {.alone = true, .settings = {{"/proc/sys/vm/nr_hugepages", "4"}}},
     .subject = Subject,
     .expect = Expect,
     .known = {{.what = "the length is rounded up: 8ebe0a5eaaeb (6.1)",
                .since = {5, 18},
                .fixed = {6, 1}}}}};

}  // namespace
}  // namespace oomgate
