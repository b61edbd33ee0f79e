// SPDX-License-Identifier: Apache-2.0
// High-water marks are what they say: VmHWM, VmPeak and ru_maxrss stand where
// the most was, after release in any way; a child begins with its own.
#include "cases/counters/statm.h"
#include "oomgate/page_out.h"

namespace oomgate {
namespace {

constexpr Bytes kMost = 8_MiB;
constexpr Bytes kLess = 3_MiB;
constexpr Bytes kWide = 64_MiB;

Bytes MaxRss(int who) {
  rusage usage = {};
  getrusage(static_cast<__rusage_who>(who), &usage);
  return usage.ru_maxrss * 1_KiB;
}
Bytes ChildrenMaxRss() { return MaxRss(RUSAGE_CHILDREN); }
Bytes Mark() { return StatusField("VmHWM"); }
Bytes MaxRssLessMark() { return MaxRss(RUSAGE_SELF) - Mark(); }
Bytes VmSize() { return StatusField("VmSize"); }

int Release(const Range& range, std::string_view way) {
  if (way == "dontneed") return TryAdvise(range, MADV_DONTNEED);
  if (way == "munmap") return TryUnmap(range.Part(0_B, range.size));
  return TryMapOver(range, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

struct Process : Scene {
  RssSync sync{trace};
  Range range = MapAnonymous(trace, kMost);
  Bytes base = {};  // the first page of the range counts
  Range wide = {};
  Bytes size = {};
  Bytes peak = {};

  Bytes Rss() const {
    sync.Now();
    return StatusField("VmRSS");
  }
  Bytes MoreRss() const { return Rss() - base; }
  Bytes MoreMark() const { return Mark() - base; }
  void Reset() const { WriteKnob(trace, "/proc/self/clear_refs", "5"); }

  void Begin() {
    MapCode();
    WritePages(trace, range.Part(0_B, kPage));
    MaxRss(RUSAGE_SELF);
    Mark();
    Reset();
    base = Rss() - kPage;
  }
  int ReleaseIt() const {
    if (p["way"] != "page_out") return Release(range, p["way"]);
    PageOut(trace, range);
    return 0;
  }
  void WriteInChild() const {
    const pid_t child = StartChild(trace, [&] {
      Set("mark at birth", Mark() - StatusField("VmRSS"));
      const RssSync own(trace);
      WritePages(trace, MapAnonymous(trace, kLess));
      own.Now();
      Set("rss", StatusField("VmRSS"));
      Set("mark", Mark());
    });
    rusage usage = {};
    int status = 0;
    wait4(child, &status, 0, &usage);
    Set("maxrss", usage.ru_maxrss * 1_KiB);
  }
  void WriteInGrandchild() const {
    RunChild(trace, [&] {
      RunChild(trace,
               [&] { WritePages(trace, MapAnonymous(trace, 2 * kMost)); });
    });
  }
  void MapWide() {
    size = VmSize();
    peak = StatusField("VmPeak");
    wide = MapAnonymous(trace, kWide);
  }
  Bytes More() const { return VmSize() - size; }
  Bytes SizeOff() const { return More() - wide.reserved_size; }
  Bytes PeakError() const {
    const Bytes most = std::max(size + wide.reserved_size, peak);
    return StatusField("VmPeak") - most;
  }
};

Steps<Process> Make(const Params&, const Facts& f) {
  // include/linux/mm.h: since 6.2 the mark is taken without the parts of the
  // CPUs: of each of three counters they may hold back a batch less one.
  const std::int64_t batch = std::max(32, 2 * f.cpus);
  const Bytes lag =
      (f.kernel < KernelVersion{6, 2} ? 0 : 3 * (batch - 1) * f.cpus) * kPage;
  const auto near = [&](Bytes size) { return Between(size - lag, size + lag); };
  // What a process does between its last look and its end: a few pages.
  constexpr std::int64_t kEnd = 16 * kPage.count;
  const Row<Process> reset(
      "mark less rss", [](Process& s) { return Mark() - s.Rss(); }, near(0_B));
  return {
      {"touch a page and reset the mark", &Process::Begin, reset,
       Is("rss", &Process::MoreRss, kPage)},
      {"write 8 MiB", [](Process& s) { WritePages(s.trace, s.range); },
       Is("rss", &Process::MoreRss, kMost)},
      {"release them", &Process::ReleaseIt, Is("rss", &Process::MoreRss, 0_B),
       Is("mark", &Process::MoreMark, near(kMost)),
       Is("maxrss less mark", MaxRssLessMark, near(0_B))},
      // Its mark begins with what it has, not with its parent's.
      {"write 3 MiB in a child", &Process::WriteInChild,
       Size("mark at birth", near(0_B)),
       Difference("mark", "rss", Between<std::int64_t>(0, lag.count)),
       Difference("maxrss", "mark",
                  Between<std::int64_t>(-lag.count, kEnd + lag.count)),
       Is("children maxrss", ChildrenMaxRss, Gt(0_B)),
       Difference("children maxrss", "maxrss", 0),
       Is("own mark", &Process::MoreMark, near(kMost)),
       Difference("own mark", "release them.mark", 0)},
      {"reset the mark again", &Process::Reset, reset},
      // A child's own children are among the children.
      {"write 16 MiB in a grandchild", &Process::WriteInGrandchild,
       Is("children maxrss", ChildrenMaxRss, Between(2 * kMost, 3 * kMost))},
      {"map 64 MiB", &Process::MapWide, Change("VmSize", VmSize, Ge(kWide)),
       Is("VmSize off", &Process::SizeOff, 0_B)},
      {"unmap them", [](Process& s) { return TryUnmap(s.wide); },
       Is("more", &Process::More, 0_B),
       Is("VmPeak off", &Process::PeakError, 0_B)},
  };
}

const Register kHiwater{
    {.id = "counters/hiwater",
     .summary = "VmHWM, VmPeak and ru_maxrss stand where the most was",
     .claim = "Seed 1: memory observation; proc(5) VmHWM, VmPeak; getrusage(2) "
              "ru_maxrss",
     .functions = "update_hiwater_rss, setmax_mm_hiwater_rss, dup_mm, "
                  "reset_mm_hiwater_rss",
     .look_at = "mark below 8 MiB: that way of releasing forgets to look; mark "
                "at birth: a child has its parent's mark",
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["way"] != "page_out") return;
           instance.needs.swap = 64_MiB;
           instance.needs.alone = true;
         },
     .params = {{"way", {"dontneed", "munmap", "map_over", "page_out"}}},
     .probe = WhyInexactRss,
     .steps = Make}};

}  // namespace
}  // namespace oomgate
