// SPDX-License-Identifier: Apache-2.0
// In mode 0 fork checks every mapping by itself: two neighbours that the kernel
// merged into one beyond RAM + swap make fork fail, apart they do not.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

// fork(2) as a question: 0 or errno.
int TryFork() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  waitpid(pid, nullptr, 0);
  return 0;
}

// vfork(2) as a question: shares the address space, copies no mapping.
int TryVfork() {
  const pid_t pid = vfork();
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  waitpid(pid, nullptr, 0);
  return 0;
}

void MapOver(Trace& trace, const Range& range, int extra_flags) {
  if (mmap(range.start, static_cast<std::size_t>(range.size.count),
           PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | extra_flags, -1,
           0) == MAP_FAILED) {
    trace.Stop("mmap of a half", errno);
  }
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  // Two halves that are one page below RAM + swap together, or one above.
  const std::int64_t limit = (f.ram + f.swap) / kPage;
  const Bytes half = (limit / 2 + (p["halves"] == "over" ? 1 : 0)) * kPage;
  const std::string_view between = p["between"];
  const Bytes gap = between == "guard" ? kPage : 0_B;
  MapOptions none;
  none.prot = PROT_NONE;
  none.pages = MapOptions::kDefault;
  const Range hole = MapAnonymous(trace, 2 * half + gap, none);
  const Range first = hole.Part(0_B, half);
  const Range second = hole.Part(half + gap, half);
  MapOver(trace, first, between == "noreserve" ? MAP_NORESERVE : 0);
  MapOver(trace, second, between == "noreserve" ? MAP_NORESERVE : 0);
  if (between == "advice" &&
      madvise(second.start, static_cast<std::size_t>(half.count),
              MADV_RANDOM) != 0) {
    trace.Stop("madvise", errno);
  }
  trace.Set("mappings", ReadMapping(hole).mappings);
  trace.Set("fork_errno", TryFork());
  trace.Set("vfork_errno", TryVfork());
}

Oracle Expect(const Params& p, const Facts&) {
  const std::string_view between = p["between"];
  const bool refused = between == "nothing" && p["halves"] == "over";
  const int mappings = between == "guard" ? 3 : between == "advice" ? 2 : 1;
  return AllOf(Survives(), Count("mappings", Eq(mappings)),
               Count("fork_errno", Eq(refused ? ENOMEM : 0)),
               Count("vfork_errno", Eq(0)));
}

const Register kMergedVmaEnomem{
    {.id = "fork/merged_vma_enomem",
     .summary = "fork fails on one merged mapping beyond RAM + swap, only then",
     .explains =
         "Claim: \"fork: Cannot allocate memory\": each VMA is checked in "
         "dup_mmap (security_vm_enough_memory_mm), and two neighbouring "
         "mallocs are one VMA. vfork is the way out.",
     .needs = {.settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .params = {{"halves", {"under", "over"}},
                {"between", {"nothing", "guard", "advice", "noreserve"}}},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "fork_errno", .unit = "errno"}}}};

}  // namespace
}  // namespace oomgate
