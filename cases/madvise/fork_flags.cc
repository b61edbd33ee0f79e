// SPDX-License-Identifier: Apache-2.0
// The advice about fork: what a child sees of a mapping, what it holds of it
// and what it is charged for, after each of the four, and after its opposite.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr char kMark = 42;

// Both the first and the last byte of every page, so that half a page left is
// seen too: kMark where all is there, 0 where nothing is, else -1.
int Content(const Range& range) {
  int marks = 0;
  int zeroes = 0;
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    for (const char byte : {at[0], at[kPage.count - 1]}) {
      marks += byte == kMark ? 1 : 0;
      zeroes += byte == 0 ? 1 : 0;
    }
  }
  const std::int64_t all = 2 * (range.size / kPage);
  return marks == all ? kMark : zeroes == all ? 0 : -1;
}

void Mark(Trace& trace, const Range& range) {
  WritePages(trace, range);
  for (char* at = range.start; at < range.end(); at += kPage.count) {
    at[0] = at[kPage.count - 1] = kMark;
  }
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapOptions options;
  options.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const Range range = MapAnonymous(trace, kSize, options);
  Mark(trace, range);
  const std::string_view advice = p["advice"];
  if (advice == "dontfork" || advice == "dofork") {
    Advise(trace, range, MADV_DONTFORK);
  }
  if (advice == "dofork") Advise(trace, range, MADV_DOFORK);
  if (advice == "wipeonfork" || advice == "keeponfork") {
    Advise(trace, range, MADV_WIPEONFORK);
  }
  if (advice == "keeponfork") Advise(trace, range, MADV_KEEPONFORK);
  trace.Set("dc", MappingHasFlag(range, "dc"));
  trace.Set("wf", MappingHasFlag(range, "wf"));

  const Bytes committed = Meminfo("Committed_AS");
  const Bytes all = ReadMapping({.size = Bytes{INT64_MAX}}).accounted;
  const Bytes size = StatusField("VmSize");
  const Bytes data = StatusField("VmData");
  const pid_t child = StartChild(trace, [&] {
    trace.Set("child_charged", Meminfo("Committed_AS") - committed);
    trace.Set("child_size", StatusField("VmSize"));
    trace.Set("child_data", StatusField("VmData"));
    const MappingUsage mapped = ReadMapping(range);
    trace.Set("child_mappings", mapped.mappings);
    trace.Set("child_rss", mapped.rss);
    trace.Set("child_accounted", mapped.accounted);
    trace.Set("child_wf", MappingHasFlag(range, "wf"));
    trace.Set("child_sees", Content(range));  // dies of it without a mapping
    trace.Set("child_rss_after", ReadMapping(range).rss);
    range.start[0] = 1;
    // What the flag does to a child it does to its child.
    const pid_t grandchild = StartChild(
        trace, [&] { trace.Set("grandchild_sees", range.start[0]); });
    Reap(grandchild);
  });
  const int status = Reap(child);
  trace.Set("child_signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  trace.Set("accounted", all);
  trace.Set("size", size);
  trace.Set("data", data);
  trace.Set("committed_left", Meminfo("Committed_AS") - committed);
  // The parent keeps what it had.
  trace.Set("sees", Content(range));
  trace.Set("rss", ReadMapping(range).rss);

  // WIPEONFORK is for private anonymous memory only.
  MapOptions shared;
  shared.flags = MAP_SHARED | MAP_ANONYMOUS;
  const Range other = MapAnonymous(trace, kSize, shared);
  trace.Set("shared_wipe_errno", TryAdvise(other, MADV_WIPEONFORK));
  trace.Set("shared_dontfork_errno", TryAdvise(other, MADV_DONTFORK));
  Unmap(trace, other);
  const int memfd = static_cast<int>(syscall(SYS_memfd_create, "file", 0U));
  if (memfd < 0 || ftruncate(memfd, kSize.count) != 0) {
    trace.Stop("memfd", errno);
  }
  const Range file = MapFile(trace, memfd, kSize, PROT_READ, MAP_PRIVATE);
  trace.Set("file_wipe_errno", TryAdvise(file, MADV_WIPEONFORK));
  trace.Set("file_dontfork_errno", TryAdvise(file, MADV_DONTFORK));
  Unmap(trace, file);
  close(memfd);
}

Oracle Expect(const Params& p, const Facts&) {
  const std::string_view advice = p["advice"];
  const bool hidden = advice == "dontfork";
  const bool wiped = advice == "wipeonfork";
  const Oracle common = AllOf(
      Survives(), Count("dc", Eq(hidden)), Count("wf", Eq(wiped)),
      Count("child_mappings", Eq(hidden ? 0 : 1)),
      Size("child_rss", Eq(hidden || wiped ? 0_B : kSize)),
      Size("child_accounted", Eq(hidden ? 0_B : kSize)),
      Difference("accounted", "child_charged", Eq(hidden ? kSize.count : 0)),
      Difference("size", "child_size", Eq(hidden ? kSize.count : 0)),
      Difference("data", "child_data", Eq(hidden ? kSize.count : 0)),
      Count("child_signal", Eq(hidden ? SIGSEGV : 0)),
      Size("committed_left", Eq(0_B)), Count("sees", Eq(kMark)),
      Size("rss", Eq(kSize)), Count("shared_wipe_errno", Eq(EINVAL)),
      Count("shared_dontfork_errno", Eq(0)),
      Count("file_wipe_errno", Eq(EINVAL)),
      Count("file_dontfork_errno", Eq(0)));
  if (hidden) return common;
  return AllOf(common, Count("child_wf", Eq(wiped)),
               Count("child_sees", Eq(wiped ? 0 : kMark)),
               // Reading what was wiped maps the zero page.
               Size("child_rss_after", Eq(wiped ? 0_B : kSize)),
               Count("grandchild_sees", Eq(wiped ? 0 : 1)));
}

const Register kForkFlags{
    {.id = "madvise/fork_flags",
     .summary = "DONTFORK hides, WIPEONFORK wipes, DOFORK and KEEPONFORK undo",
     .explains =
         {.claim = "Seed 1: the madvise list; madvise(2) of the four",
          .deed = "marks 4 MiB, advises, forks: the child reads, counts and is "
                  "counted",
          .functions = "dup_mmap (VM_DONTCOPY, VM_WIPEONFORK), "
                       "vm_stat_account, madvise_vma_behavior",
          .look_at = "child_sees -1: wiped or copied in part; a charge or size "
                     "that differs: dup_mmap counts what it does not copy"},
     .needs = {.alone = true},
     .params = {{"advice",
                 {"none", "dontfork", "dofork", "wipeonfork", "keeponfork"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
