// SPDX-License-Identifier: Apache-2.0
// Copying on write ends with the last sharer: while a child lives, each write
// gets a new page; once it is gone, the page that is there is written to.
#include "oomgate/case.h"
#include "oomgate/frame.h"

namespace oomgate {
namespace {

constexpr int kPages = 512;
// A CPU keeps up to 15 pages that it just gave out on a list of its own; each
// counts as used by somebody else.
constexpr int kOnList = 32;
std::uint64_t frames[kPages];

struct Pages : Scene {
  Range range = MapAnonymous(trace, kPages* kPage);
  Range own = MapAnonymous(trace, kPage);
  Gate end{trace};
  pid_t child = 0;

  // How many are where they were at the last call.
  int Same() const {
    int same = 0;
    for (int i = 0; i < kPages; ++i) {
      const std::uint64_t was = frames[i];
      frames[i] = Frame(range.start + i * kPage.count);
      same += frames[i] == was ? 1 : 0;
    }
    return same;
  }
  Bytes Rss() const { return ReadMapping(range).rss; }
  void Write() const {
    // After a fork what measures is copied first. So is the page of errno:
    // when the thread comes back to a CPU, the kernel writes there (rseq).
    WritePages(trace, own);
    *const_cast<volatile int*>(&errno) = 0;
    ReadUsage();
    const std::int64_t before = ReadUsage().minor_faults;
    WritePages(trace, range);
    Set("faults", ReadUsage().minor_faults - before);
  }
};

Steps<Pages> Make(const Params&, const Facts&) {
  return {{"write while a child lives",
           [](Pages& s) {
             WritePages(s.trace, s.range);
             s.Same();
             s.child = StartChild(s.trace, [&s] {
               s.end.Pass();
               s.Set("kept by the child", s.Same());
             });
             s.Write();
           },
           Count("faults", kPages), Is("same frames", &Pages::Same, 0)},
          {"end the child",
           [](Pages& s) {
             s.end.Open();
             s.Set("status", Reap(s.child));
           },
           Count("status", 0), Count("kept by the child", kPages)},
          {"write when a child has come and gone",
           [](Pages& s) {
             s.Same();
             RunChild(s.trace, [] {});
             s.Write();
           },
           Count("faults", kPages),
           Is("same frames", &Pages::Same, Between(kPages - kOnList, kPages)),
           Is("rss", &Pages::Rss, kPages * kPage)}};
}

const Register kLastReference{
    {.id = "fork/last_reference",
     .summary =
         "a page is copied for a sharer that lives, not for one that is gone",
     .claim = "Seed 2: fork shares pages until one side writes; what a "
              "snapshot by fork costs while the child lives, and after",
     .functions =
         "do_wp_page, wp_can_reuse_anon_folio, wp_page_copy, copy_present_pte",
     .look_at = "fewer same frames: pages are copied that nobody else has",
     .suite = Suite::kQuick,
     .steps = Make,
     .metrics = {
         Metric::Count("shared.faults", "write while a child lives.faults")
             .EitherWay(),
         Metric::Count("alone.faults",
                       "write when a child has come and gone.faults")
             .EitherWay()}}};

}  // namespace
}  // namespace oomgate
