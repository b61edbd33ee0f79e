// SPDX-License-Identifier: Apache-2.0
// A SysV segment is committed in full when it is made, and until it is removed
// and nobody has it attached any more; SHM_NORESERVE puts that off to the
// touch, but not in mode 2. Its other limits are exact, too.
#include "cases/shm/sysv.h"

namespace oomgate::shm {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kTouched = 1_MiB;
#ifndef SHM_NORESERVE
#define SHM_NORESERVE 010000
#endif

Bytes Committed() { return Meminfo("Committed_AS"); }

struct Segment : Scene {
  int flags = p["flag"] == "noreserve" ? SHM_NORESERVE : 0;
  Bytes before = (oomgate::shm::Committed(), oomgate::shm::Committed());
  int id = -1;
  Range range = {};
  Range twice = {};

  Bytes Committed() const { return oomgate::shm::Committed() - before; }
  // Its size is odd: it counts as whole pages.
  void Create() {
    id = Must(trace, "shmget", MakeSegment(kSize - 100_B, flags));
  }
  void AttachTwice() {
    range = Attach(trace, id, kSize);
    twice = Attach(trace, id, kSize, SHM_RDONLY);
  }
  Bytes Accounted() const { return ReadMapping(range).accounted; }
  std::int64_t Attachments() const {
    shmid_ds state = {};
    TryState(id, state);
    return static_cast<std::int64_t>(state.shm_nattch);
  }
  void ReadInChild() const {
    Set("status",
        RunChild(trace, [&] { Set("seen", range.start[kPage.count]); }));
  }
  // The machine's own limit, found by asking.
  void FindLargest() const {
    const std::int64_t most = Meminfo("CommitLimit") / kPage;
    Set("refused", 0);
    const std::int64_t largest = Largest(4 * most, [&](std::int64_t pages) {
      const int error = TrySegment(pages * kPage, flags);
      if (error != 0) Set("refused", error);
      return error == 0;
    });
    Set("largest", largest * kPage);
    Set("asked", 4 * most * kPage);
    Set("room", Meminfo("CommitLimit") - oomgate::shm::Committed());
  }
};

Oracle LargestIs(const Params& p, const Facts& f) {
  if (p["mode"] == "2") {
    // All that is left, less the user's reserve (1/32 of a small process).
    return AllOf(
        Count("refused", ENOMEM),
        Difference("room", "largest",
                   Between<std::int64_t>(0, (1_MiB + f.commit_slack()).count)));
  }
  // Mode 0 refuses what is more than RAM and swap; mode 1 nothing.
  if (p["mode"] == "1" || p["flag"] == "noreserve") {
    return Difference("asked", "largest", 0);
  }
  return AllOf(Count("refused", ENOMEM), Size("largest", f.ram + f.swap));
}

Steps<Segment> Make(const Params& p, const Facts& f) {
  const bool later = p["flag"] == "noreserve" && p["mode"] != "2";
  const Bytes made = later ? 0_B : kSize;
  const Bytes touched = later ? kTouched : kSize;
  const auto committed = [](Bytes size) {
    return Is("committed", &Segment::Committed, size);
  };
  const auto ids = [](int number) { return Is("ids", SegmentIds, number); };
  const auto pages = [](Bytes size) {
    return Is("pages", SegmentPages, size / kPage);
  };
  const auto attachments = [](int number) {
    return Is("attachments", &Segment::Attachments, number);
  };
  return {
      {"make it", &Segment::Create, committed(made), ids(1), pages(kSize)},
      {"attach it twice", &Segment::AttachTwice, committed(made),
       attachments(2)},
      {"write a quarter of it",
       [](Segment& s) { WritePages(s.trace, s.range.Part(0_B, kTouched)); },
       committed(touched), Is("accounted", &Segment::Accounted, 0_B),
       attachments(2), ids(1), pages(kSize),
       Is("rss", SegmentRss, kTouched / kPage)},
      {"remove it", [](Segment& s) { return TryRemove(s.id); },
       committed(touched), ids(1)},
      // Still there, also for a child that inherits it.
      {"read it in a child", &Segment::ReadInChild, Count("status", 0),
       Count("seen", 1)},
      {"detach it once", [](Segment& s) { return TryDetach(s.twice); },
       committed(touched), attachments(1)},
      {"detach it", [](Segment& s) { return TryDetach(s.range); },
       committed(0_B), ids(0), pages(0_B)},
      {"ask for the largest", &Segment::FindLargest, LargestIs(p, f)},
      {"ask for one of nothing",
       [](Segment& s) { return TrySegment(0_B, s.flags); }, Refused(EINVAL),
       committed(0_B)},
  };
}

void Adjust(const Params& p, InstanceInfo& instance) {
  instance.needs.settings = {kVmKnobs.With("overcommit_memory", p["mode"])};
}

const Register kSysvCharge{
    {.id = "shm/sysv_charge",
     .summary = "SysV shm: committed when made, given back when last detached",
     .claim = "Seed 1: shm; seed 2: what is committed in which mode; "
              "Documentation/mm/overcommit-accounting",
     .functions = "newseg, shmem_acct_size, shmem_unacct_size, shm_destroy",
     .look_at = "committed: the growth of Committed_AS since the beginning",
     .needs = {.alone = true},
     .adjust = Adjust,
     .params = {{"mode", {"0", "1", "2"}}, {"flag", {"none", "noreserve"}}},
     .steps = Make,
     .metrics = {
         Metric::Size("largest", "ask for the largest.largest").EitherWay()}}};

}  // namespace
}  // namespace oomgate::shm
