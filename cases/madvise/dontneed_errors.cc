// SPDX-License-Identifier: Apache-2.0
// What MADV_DONTNEED refuses: locked pages (MADV_DONTNEED_LOCKED, 5.18, takes
// them), and a hole, of which it tells only after it has done the rest.
#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kDontneedLocked = 24;  // MADV_DONTNEED_LOCKED
constexpr int kUnknown = 9999;
constexpr std::int64_t kPages = 8;

void Locked(Trace& trace) {
  const Range range = MapAnonymous(trace, 3 * kPages * kPage);
  WritePages(trace, range);
  const Range locked = range.Part(kPages * kPage, kPages * kPage);
  Lock(trace, locked);
  // Of the three mappings it stops at the second.
  trace.Set("locked_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("locked_first_rss",
            ReadMapping(range.Part(0_B, kPages * kPage)).rss);
  trace.Set("locked_rss", ReadMapping(locked).rss);
  trace.Set("locked_last_rss",
            ReadMapping(range.Part(2 * kPages * kPage, kPages * kPage)).rss);
  trace.Set("locked_other", CountOther(locked, 1));

  trace.Set("forced_errno", TryAdvise(locked, kDontneedLocked));
  trace.Set("forced_rss", ReadMapping(locked).rss);
  trace.Set("forced_locked", StatusField("VmLck"));
  trace.Set("forced_flag", MappingHasFlag(locked, "lo") ? 1 : 0);
  // Locked is the mapping, not its pages: what comes back is locked again.
  WritePages(trace, locked);
  trace.Set("again_locked", MappingField(locked, "Locked"));
  munlock(locked.start, static_cast<std::size_t>(locked.size.count));
  trace.Set("unlocked_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("unlocked_rss", ReadMapping(range).rss);
  trace.Set("unlocked_vmlck", StatusField("VmLck"));
  Unmap(trace, range);
}

void Hole(Trace& trace) {
  const Range range = MapAnonymous(trace, 3 * kPages * kPage);
  WritePages(trace, range);
  const Range hole = range.Part(kPages * kPage, kPages * kPage);
  if (munmap(hole.start, static_cast<std::size_t>(hole.size.count)) != 0) {
    trace.Stop("munmap of a hole", errno);
  }
  trace.Set("before_hole_rss", ReadMapping(range).rss);
  // Other advice goes on behind the hole as well, and tells of it.
  trace.Set("flag_errno", TryAdvise(range, MADV_DONTFORK));
  trace.Set("flags", MappingHasFlag(range, "dc") ? 1 : 0);
  trace.Set("hole_errno", TryAdvise(range, MADV_DONTNEED));
  trace.Set("hole_rss", ReadMapping(range).rss);
  trace.Set("only_hole_errno", TryAdvise(hole, MADV_DONTNEED));
  Unmap(trace, range);
}

void Wrong(Trace& trace) {
  const Range range = MapAnonymous(trace, kPage);
  WritePages(trace, range);
  trace.Set("unknown_errno", TryAdvise(range, kUnknown));
  trace.Set("odd_errno", TryAdvise(range.Part(8_B, kPage), MADV_DONTNEED));
  trace.Set("wrap_errno", TryAdvise({.start = range.start, .size = Bytes{-1}},
                                    MADV_DONTNEED));
  trace.Set("wrong_rss", ReadMapping(range).rss);
  Unmap(trace, range);
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Locked(trace);
  Hole(trace);
  Wrong(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kPart = kPages * kPage;
  // 9457056ac426 (5.18)
  const bool forces = f.kernel >= KernelVersion{5, 18};
  const Oracle locked =
      AllOf(Count("locked_errno", Eq(EINVAL)),
            Size("locked_first_rss", Eq(0_B)), Size("locked_rss", Eq(kPart)),
            Size("locked_last_rss", Eq(kPart)), Count("locked_other", Eq(0)));
  const Oracle forced =
      AllOf(Count("forced_errno", Eq(forces ? 0 : EINVAL)),
            Size("forced_rss", Eq(forces ? 0_B : kPart)),
            Size("forced_locked", Eq(kPart)), Count("forced_flag", Eq(1)),
            Size("again_locked", Eq(kPart)), Count("unlocked_errno", Eq(0)),
            Size("unlocked_rss", Eq(0_B)), Size("unlocked_vmlck", Eq(0_B)));
  const Oracle hole = AllOf(
      Size("before_hole_rss", Eq(2 * kPart)), Count("flag_errno", Eq(ENOMEM)),
      Count("flags", Eq(1)), Count("hole_errno", Eq(ENOMEM)),
      Size("hole_rss", Eq(0_B)), Count("only_hole_errno", Eq(ENOMEM)));
  const Oracle wrong =
      AllOf(Count("unknown_errno", Eq(EINVAL)), Count("odd_errno", Eq(EINVAL)),
            Count("wrap_errno", Eq(EINVAL)), Size("wrong_rss", Eq(kPage)));
  return AllOf(Survives(), locked, forced, hole, wrong);
}

// Locking needs a limit that allows it.
std::string Probe(const Params&, const Facts&) {
  static char pages[kPages * kPage.count];
  if (mlock(pages, sizeof pages) != 0) return "locked memory is not allowed";
  munlock(pages, sizeof pages);
  return "";
}

const Register kDontneedErrors{
    {.id = "madvise/dontneed_errors",
     .summary = "MADV_DONTNEED stops at locked pages, and skips holes",
     .explains = {.claim = "Seed 1: the list of madvise; madvise(2), EINVAL "
                           "and ENOMEM",
                  .deed = "gives up ranges with locked pages, with a hole, and "
                          "ranges that are none",
                  .functions = "do_madvise, madvise_walk_vmas, "
                               "can_madv_lru_vma, madvise_dontneed_free",
                  .look_at = "<part>_rss says how far it went before it "
                             "returned <part>_errno"},
     .suite = Suite::kQuick,
     .probe = Probe,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
