// SPDX-License-Identifier: Apache-2.0
// A write copies a page while a child has it, and not once the child is gone.
#include "cases/fork/neighbours.h"
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
  LivingChild child{trace};

  // How many are where they were at the last call.
  int Same() const {
    int same = 0;
    for (int i = 0; i < kPages; ++i) {
      const std::uint64_t now = Frame(range.start + i * kPage.count);
      same += std::exchange(frames[i], now) == now ? 1 : 0;
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
    Set("faults", FaultsOf([&] { WritePages(trace, range); }));
  }
  void WriteShared() {
    WritePages(trace, range);
    Same();
    child.Start([this] { Set("kept by the child", Same()); });
    Write();
  }
  void EndChild() { Set("status", child.End()); }
  void WriteAlone() const {
    Same();
    RunChild(trace, [] {});
    Write();
  }
};

Steps<Pages> Make(const Params&, const Facts&) {
  return {{"write while a child lives", &Pages::WriteShared,
           Count("faults", kPages), Is("same frames", &Pages::Same, 0)},
          {"end the child", &Pages::EndChild, Count("status", 0),
           Count("kept by the child", kPages)},
          {"write when a child has come and gone", &Pages::WriteAlone,
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
     .functions = "do_wp_page, wp_can_reuse_anon_folio, wp_page_copy",
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
