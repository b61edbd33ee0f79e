// SPDX-License-Identifier: Apache-2.0
// The advice about fork: what a child sees of a mapping, what it holds of it
// and what it is charged for, after each of the four, and after its opposite.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr char kMark = 42;

struct Parent : Scene {
  Range range =
      MapAnonymous(trace, kSize, {.flags = MAP_PRIVATE | MAP_ANONYMOUS});
  Range shared =
      MapAnonymous(trace, kSize, {.flags = MAP_SHARED | MAP_ANONYMOUS});
  Range file =
      MapFile(trace, MakeMemfd(trace, kSize), kSize, PROT_READ, MAP_PRIVATE);

  // Both the first and the last byte of every page, so that half a page left is
  // seen too: kMark where all is there, 0 where nothing is, else -1.
  int Content() const {
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
};

void Mark(Parent& s) {
  WritePages(s.trace, s.range);
  for (char* at = s.range.start; at < s.range.end(); at += kPage.count) {
    at[0] = at[kPage.count - 1] = kMark;
  }
}

void Give(Parent& s) {
  const std::string_view advice = s.p["advice"];
  const auto advise = [&](int which) { Advise(s.trace, s.range, which); };
  if (advice == "dontfork" || advice == "dofork") advise(MADV_DONTFORK);
  if (advice == "dofork") advise(MADV_DOFORK);
  if (advice == "wipeonfork" || advice == "keeponfork") {
    advise(MADV_WIPEONFORK);
  }
  if (advice == "keeponfork") advise(MADV_KEEPONFORK);
}

void Fork(Parent& s) {
  const Bytes committed = Meminfo("Committed_AS");
  const Bytes accounted = ReadMapping({.size = Bytes{INT64_MAX}}).accounted;
  const Bytes size = StatusField("VmSize");
  const Bytes data = StatusField("VmData");
  const int status = RunChild(s.trace, [&] {
    s.Set("not charged", accounted - (Meminfo("Committed_AS") - committed));
    s.Set("less VmSize", size - StatusField("VmSize"));
    s.Set("less VmData", data - StatusField("VmData"));
    const MappingUsage mapped = ReadMapping(s.range);
    s.Set("mappings", mapped.mappings);
    s.Set("rss", mapped.rss);
    s.Set("accounted", mapped.accounted);
    s.Set("wf", MappingHasFlag(s.range, "wf"));
    s.Set("sees", s.Content());  // dies of it without a mapping
    s.Set("rss, read", ReadMapping(s.range).rss);
    s.range.start[0] = 1;
    // What the flag does to a child it does to its child.
    RunChild(s.trace, [&s] { s.Set("grandchild sees", s.range.start[0]); });
  });
  s.Set("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

Steps<Parent> Make(const Params& p, const Facts&) {
  const std::string_view advice = p["advice"];
  const bool hidden = advice == "dontfork";
  const bool wiped = advice == "wipeonfork";
  const auto flag = [](const char* name, bool has) {
    return Is(
        name, [=](Parent& s) { return MappingHasFlag(s.range, name); },
        has ? 1 : 0);
  };
  const Bytes less = hidden ? kSize : 0_B;
  Oracle child =
      AllOf(Count("mappings", hidden ? 0 : 1),
            Size("rss", hidden || wiped ? 0_B : kSize),
            Size("accounted", hidden ? 0_B : kSize), Size("not charged", less),
            Size("less VmSize", less), Size("less VmData", less),
            Count("signal", hidden ? SIGSEGV : 0));
  if (!hidden) {
    // Reading what was wiped maps the zero page.
    child += AllOf(Count("wf", wiped ? 1 : 0), Count("sees", wiped ? 0 : kMark),
                   Size("rss, read", wiped ? 0_B : kSize),
                   Count("grandchild sees", wiped ? 0 : 1));
  }
  const auto advise = [](Range Parent::*what, int which) {
    return [=](Parent& s) { return TryAdvise(s.*what, which); };
  };
  return {
      {"mark", Mark, Is("sees", &Parent::Content, kMark)},
      {"advise", Give, flag("dc", hidden), flag("wf", wiped)},
      // The parent keeps what it had.
      {"fork", Fork, child,
       Change(
           "Committed_AS", [] { return Meminfo("Committed_AS"); }, 0_B),
       Is("parent sees", &Parent::Content, kMark),
       Is(
           "parent's rss", [](Parent& s) { return ReadMapping(s.range).rss; },
           kSize)},
      // WIPEONFORK is for private anonymous memory only.
      {"WIPEONFORK of shared memory", advise(&Parent::shared, MADV_WIPEONFORK),
       Refused(EINVAL)},
      {"DONTFORK of shared memory", advise(&Parent::shared, MADV_DONTFORK)},
      {"WIPEONFORK of a file", advise(&Parent::file, MADV_WIPEONFORK),
       Refused(EINVAL)},
      {"DONTFORK of a file", advise(&Parent::file, MADV_DONTFORK)},
  };
}

const Register kForkFlags{
    {.id = "madvise/fork_flags",
     .summary = "DONTFORK hides, WIPEONFORK wipes, DOFORK and KEEPONFORK undo",
     .claim = "Seed 1: the madvise list; madvise(2) of the four",
     .functions = "dup_mmap (VM_DONTCOPY, VM_WIPEONFORK), vm_stat_account, "
                  "madvise_vma_behavior",
     .look_at = "sees -1: wiped or copied in part",
     .needs = {.alone = true},
     .params = {{"advice",
                 {"none", "dontfork", "dofork", "wipeonfork", "keeponfork"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
