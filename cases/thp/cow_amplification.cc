// SPDX-License-Identifier: Apache-2.0
// One byte written to a shared huge page copies one small page: since 5.8 the
// huge mapping is split, where older kernels copied all of its 2 MiB.
#include <sys/wait.h>
#include <unistd.h>

#include "cases/thp/huge.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 64_MiB;

void Subject(Trace& trace, const Params&, const Facts&) {
  MapOptions options;
  options.pages = MapOptions::kHuge;
  const Range range = MapAnonymous(trace, kSize, options);
  WritePages(trace, range, kHugePage);
  trace.Set("huge_before", ReadMapping(range).anon_huge);
  const std::int64_t splits = Vmstat("thp_split_pmd");
  const pid_t child = fork();
  if (child == 0) {
    *static_cast<volatile char*>(range.start + kSize.count / 2) = 2;
    const MappingUsage mapped = ReadMapping(range);
    trace.Set("copied", mapped.private_dirty);
    trace.Set("huge_after", mapped.anon_huge);
    trace.Set("splits", Vmstat("thp_split_pmd") - splits);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    trace.Stop("the writing child", 0);
  }
  // The parent lost nothing by its child's write.
  trace.Set("huge_parent", ReadMapping(range).anon_huge);
}

Oracle Expect(const Params&, const Facts& f) {
  // 3917c80280c9 (5.8): wp_huge_pmd splits instead of copying.
  const bool splits = f.kernel >= KernelVersion{5, 8};
  return AllOf(Survives(), Size("huge_before", Eq(kSize)),
               Size("copied", Eq(splits ? kPage : kHugePage)),
               Size("huge_after", Eq(splits ? kSize - kHugePage : kSize)),
               Count("splits", Eq(splits ? 1 : 0)),
               Size("huge_parent", Eq(kSize)));
}

const Register kCowAmplification{
    {.id = "thp/cow_amplification",
     .summary = "a byte written to a shared huge page copies 4 KiB, not 2 MiB",
     .explains =
         {.claim = "Seed 1: \"THP: write amplification on copy-on-write\": "
                   "true up to 5.7 only",
          .deed =
              "writes 64 MiB of huge pages, forks; the child writes one byte",
          .functions = "do_huge_pmd_wp_page, __split_huge_pmd",
          .look_at = "huge_before below 64 MiB says that no huge pages were to "
                     "be had: look at thp_fault_fallback"},
     // Counts splits of the whole machine, and must find huge pages.
     .needs = HugeGuest(),
     .subject = Subject,
     .expect = Expect,
     .metrics = {
         {.name = "copied", .better = Better::kLower, .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
