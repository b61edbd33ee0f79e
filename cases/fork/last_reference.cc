// SPDX-License-Identifier: Apache-2.0
// Copying on write ends with the last sharer: while a child lives, each write
// gets a new page; once it is gone, the page that is there is written to.
#include <cerrno>

#include "oomgate/case.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
// A CPU keeps up to 15 pages that it just gave out on a list of its own; each
// counts as used by somebody else.
constexpr int kOnList = 32;

int Same(const Range& range, const std::uint64_t (&frames)[kPages]) {
  int same = 0;
  for (int i = 0; i < kPages; ++i) {
    same += Frame(range.start + i * kPage.count) == frames[i] ? 1 : 0;
  }
  return same;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  const Range range = MapAnonymous(trace, kPages * kPage);
  WritePages(trace, range);
  static std::uint64_t frames[kPages];
  const auto remember = [&] {
    for (int i = 0; i < kPages; ++i) {
      frames[i] = Frame(range.start + i * kPage.count);
    }
  };
  // After each fork what measures is copied first. So is the page of errno:
  // when the thread comes back to a CPU, the kernel writes there, too (rseq).
  const Range own = MapAnonymous(trace, kPage);
  const auto warm_up = [&] {
    WritePages(trace, own);
    *const_cast<volatile int*>(&errno) = 0;
    ReadUsage();
  };
  Gate end(trace);
  remember();
  const pid_t child = StartChild(trace, [&] {
    end.Pass();
    trace.Set("child_keeps", Same(range, frames));
  });
  warm_up();
  std::int64_t before = ReadUsage().minor_faults;
  WritePages(trace, range);
  trace.Set("shared.faults", ReadUsage().minor_faults - before);
  trace.Set("shared.same", Same(range, frames));
  end.Open();
  trace.Set("child", Reap(child));
  remember();
  Reap(StartChild(trace, [] {}));
  warm_up();
  before = ReadUsage().minor_faults;
  WritePages(trace, range);
  trace.Set("alone.faults", ReadUsage().minor_faults - before);
  trace.Set("alone.same", Same(range, frames));
  trace.Set("rss", ReadMapping(range).rss);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("child", Eq(0)),
               Count("shared.faults", Eq(kPages)), Count("shared.same", Eq(0)),
               Count("child_keeps", Eq(kPages)),
               Count("alone.faults", Eq(kPages)),
               Count("alone.same", Between(kPages - kOnList, kPages)),
               Size("rss", Eq(kPages * kPage)));
}

const Register kLastReference{
    {.id = "fork/last_reference",
     .summary = "a page is copied for a sharer that lives, not for one that is "
                "gone",
     .explains = {.claim = "Seed 2: fork shares pages until one side writes; "
                           "what a snapshot by fork costs while the child "
                           "lives, and after",
                  .deed = "writes 512 pages while a child has them too, and "
                          "once more when a child has come and gone",
                  .functions = "do_wp_page, wp_can_reuse_anon_folio, "
                               "wp_page_copy, copy_present_pte",
                  .look_at = "alone.same below 480: pages are copied that "
                             "nobody else has"},
     .suite = Suite::kQuick,
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "shared.faults"}, {.name = "alone.faults"}}}};

}  // namespace
}  // namespace oomgate
