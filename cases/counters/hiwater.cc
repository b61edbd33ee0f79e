// SPDX-License-Identifier: Apache-2.0
// High-water marks are what they say: VmHWM, VmPeak and ru_maxrss stand where
// the most was, after release in any way; a child begins with its own.
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>

#include "cases/counters/statm.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kMost = 8_MiB;
constexpr Bytes kLess = 3_MiB;
constexpr Bytes kWide = 64_MiB;

Bytes MaxRss(int who) {
  rusage usage = {};
  getrusage(who, &usage);
  return usage.ru_maxrss * 1_KiB;
}

void Reset(Trace& trace) { WriteKnob(trace, "/proc/self/clear_refs", "5"); }

void Release(Trace& trace, const Range& range, std::string_view way) {
  const auto length = static_cast<std::size_t>(range.size.count);
  if (way == "page_out") return PageOut(trace, range);
  const bool failed =
      way == "dontneed" ? madvise(range.start, length, MADV_DONTNEED) != 0
      : way == "munmap"
          ? munmap(range.start, length) != 0
          : mmap(range.start, length, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
                 0) == MAP_FAILED;
  if (failed) trace.Stop("releasing", errno);
}

void Subject(Trace& trace, const Params& p, const Facts&) {
  MapCode();
  const RssSync sync(trace);
  const Range range = MapAnonymous(trace, kMost);
  WritePages(trace, range.Part(0_B, kPage));
  MaxRss(RUSAGE_SELF);
  StatusField("VmHWM");
  Reset(trace);
  sync.Now();
  const Bytes base = StatusField("VmRSS");
  trace.Set("reset", StatusField("VmHWM") - base);

  WritePages(trace, range);
  sync.Now();
  trace.Set("rss", StatusField("VmRSS") - base + kPage);
  Release(trace, range, p["way"]);
  sync.Now();
  trace.Set("rss_released", StatusField("VmRSS") - base + kPage);
  trace.Set("mark", StatusField("VmHWM") - base + kPage);
  trace.Set("maxrss_less_mark", MaxRss(RUSAGE_SELF) - StatusField("VmHWM"));

  // A child's mark begins with what it has, not with its parent's.
  const pid_t child = StartChild(trace, [&] {
    trace.Set("child_mark_at_birth",
              StatusField("VmHWM") - StatusField("VmRSS"));
    const RssSync own(trace);
    const Range less = MapAnonymous(trace, kLess);
    WritePages(trace, less);
    own.Now();
    trace.Set("child_rss", StatusField("VmRSS"));
    trace.Set("child_mark", StatusField("VmHWM"));
  });
  rusage usage = {};
  int status = 0;
  wait4(child, &status, 0, &usage);
  trace.Set("child_maxrss", usage.ru_maxrss * 1_KiB);
  trace.Set("children_maxrss", MaxRss(RUSAGE_CHILDREN));
  trace.Set("mark_after_child", StatusField("VmHWM") - base + kPage);
  Reset(trace);
  sync.Now();
  trace.Set("reset_again", StatusField("VmHWM") - StatusField("VmRSS"));

  // A child's own children are among the children.
  const pid_t middle = StartChild(trace, [&] {
    Reap(StartChild(
        trace, [&] { WritePages(trace, MapAnonymous(trace, 2 * kMost)); }));
  });
  Reap(middle);
  trace.Set("grandchild_maxrss", MaxRss(RUSAGE_CHILDREN));

  // Address space likewise.
  const Bytes size = StatusField("VmSize");
  const Bytes peak = StatusField("VmPeak");
  const Range wide = MapAnonymous(trace, kWide);
  const Bytes grown = StatusField("VmSize") - size;
  trace.Set("grown_less_mapped", grown - wide.reserved_size);
  Unmap(trace, wide);
  trace.Set("size_left", StatusField("VmSize") - size);
  const Bytes expected = size + grown > peak ? size + grown : peak;
  trace.Set("peak_error", StatusField("VmPeak") - expected);
}

Oracle Expect(const Params&, const Facts& f) {
  // include/linux/mm.h: since 6.2 the mark is taken without the parts of the
  // CPUs: of each of three counters they may hold back a batch less one.
  const std::int64_t batch = std::max(32, 2 * f.cpus);
  const Bytes lag =
      (f.kernel < KernelVersion{6, 2} ? 0 : 3 * (batch - 1) * f.cpus) * kPage;
  const auto near = [&](Bytes size) { return Between(size - lag, size + lag); };
  // What a process does between its last look and its end: a few pages.
  constexpr std::int64_t kEnd = 16 * kPage.count;
  return AllOf(Survives(), Size("reset", near(0_B)), Size("rss", Eq(kMost)),
               Size("rss_released", Eq(0_B)), Size("mark", near(kMost)),
               Size("maxrss_less_mark", near(0_B)),
               Size("child_mark_at_birth", near(0_B)),
               Difference("child_mark", "child_rss",
                          Between<std::int64_t>(0, lag.count)),
               Difference("child_maxrss", "child_mark",
                          Between<std::int64_t>(-lag.count, kEnd + lag.count)),
               Difference("children_maxrss", "child_maxrss", Eq(0)),
               Size("grandchild_maxrss", Between(2 * kMost, 3 * kMost)),
               Difference("mark_after_child", "mark", Eq(0)),
               Size("reset_again", near(0_B)),
               Size("grown_less_mapped", Eq(0_B)), Size("size_left", Eq(0_B)),
               Size("peak_error", Eq(0_B)));
}

const Register kHiwater{
    {.id = "counters/hiwater",
     .summary = "VmHWM, VmPeak and ru_maxrss stand where the most was",
     .explains =
         {.claim = "Seed 1: memory observation; proc(5) VmHWM, VmPeak; "
                   "getrusage(2) ru_maxrss",
          .deed = "writes 8 MiB, releases them in one of four ways, reads the "
                  "marks; the same in a child, and for address space",
          .functions = "update_hiwater_rss, setmax_mm_hiwater_rss, dup_mm, "
                       "reset_mm_hiwater_rss",
          .look_at = "mark below 8 MiB: that way of releasing forgets to look; "
                     "child_mark_at_birth: a child has its parent's mark"},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["way"] != "page_out") return;
           instance.needs.swap = 64_MiB;
           instance.needs.alone = true;
         },
     .params = {{"way", {"dontneed", "munmap", "map_over", "page_out"}}},
     .probe = WhyInexactRss,
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
