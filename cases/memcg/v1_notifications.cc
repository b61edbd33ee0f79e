// SPDX-License-Identifier: Apache-2.0
// cgroup v1 tells listeners what happens below them: usage that passes a
// threshold, up or down; pressure, to the nearest listener, to all, or of the
// group's own only.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/scratch_disk.h"

namespace oomgate {
namespace {

constexpr Bytes kBelow = 3_MiB;
constexpr Bytes kThreshold = 4_MiB;
constexpr Bytes kAbove = 6_MiB;
constexpr Bytes kLimit = 4_MiB;  // of who reads a disk
constexpr Bytes kRead = 24_MiB;
constexpr int kSoon = 5000;  // milliseconds, for what must be told
constexpr int kStill = 100;  // for what must not

// One who listens to a file of a group.
class Listener {
 public:
  Listener(Trace& trace, const Group& group, const char* file,
           const char* arguments)
      : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    char text[256];
    std::snprintf(text, sizeof text, "%s/%s", group.folder(), file);
    file_ = open(text, O_RDONLY | O_CLOEXEC);
    std::snprintf(text, sizeof text, "%d %d %s", event_, file_, arguments);
    group.Set(trace, "cgroup.event_control", text);
  }
  ~Listener() {
    close(file_);
    close(event_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Whether it was told anything since it was asked last.
  bool Told(int milliseconds) const {
    pollfd wait{event_, POLLIN, 0};
    const bool told = poll(&wait, 1, milliseconds) == 1;
    std::uint64_t count = 0;
    (void)!read(event_, &count, sizeof count);
    return told;
  }

 private:
  int event_;
  int file_ = -1;
};

// A child of one of two groups grows and shrinks; their parent has a threshold.
void Thresholds(Trace& trace, const Group& top) {
  const Group one = top.Child(trace, "one");
  const Group other = top.Child(trace, "other");
  char bytes[24];
  std::snprintf(bytes, sizeof bytes, "%lld",
                static_cast<long long>(kThreshold.count));
  const Listener at_top(trace, top, "memory.usage_in_bytes", bytes);
  const Listener at_other(trace, other, "memory.usage_in_bytes", "65536");
  Gate go(trace);
  Gate done(trace);
  const pid_t child = StartChildIn(trace, one, [&] {
    const Range range = MapAnonymous(trace, kAbove);
    WritePages(trace, range.Part(0_B, kBelow));
    done.Open();
    go.Pass();
    WritePages(trace, range.Part(kBelow, kAbove - kBelow));
    done.Open();
    go.Pass();
    Unmap(trace, range);
    done.Open();
    WaitForever();
  });
  done.Pass();
  trace.Set("threshold.below", at_top.Told(kStill));
  go.Open();
  done.Pass();
  trace.Set("threshold.above", at_top.Told(kSoon));
  trace.Set("threshold.again", at_top.Told(kStill));
  go.Open();
  done.Pass();
  trace.Set("threshold.down", at_top.Told(kSoon));
  trace.Set("threshold.other", at_other.Told(0));
  EndChild(child);
  one.Remove(trace);
  other.Remove(trace);
}

// What makes pressure is three groups deep.
void Pressure(Trace& trace, const Group& top) {
  const Group middle = top.Child(trace, "middle");
  const Group leaf = middle.Child(trace, "leaf");
  leaf.Set(trace, "memory.limit_in_bytes", kLimit);
  const auto press = [&] {
    Reap(StartChildIn(trace, leaf, [&] { ReadDisk(trace, 0_B, kRead); }));
  };
  constexpr const char* kFile = "memory.pressure_level";
  {
    const Listener nearest(trace, leaf, kFile, "low");
    const Listener above(trace, top, kFile, "low");
    const Listener all(trace, top, kFile, "low,hierarchy");
    const Listener own(trace, top, kFile, "low,local");
    press();
    trace.Set("pressure.nearest", nearest.Told(kSoon));
    trace.Set("pressure.all", all.Told(kSoon));
    trace.Set("pressure.above", above.Told(kStill));
    trace.Set("pressure.own", own.Told(0));
  }
  const Listener above(trace, top, kFile, "low");
  press();
  trace.Set("pressure.alone", above.Told(kSoon));
  leaf.Remove(trace);
  middle.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const int keep = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  const Group top = Group(f).Child(trace, "top");
  // As it always is since 5.11.
  top.Set(trace, "memory.use_hierarchy", "1");
  Thresholds(trace, top);
  Pressure(trace, top);
  top.Remove(trace);
  close(keep);
}

Oracle Expect(const Params&, const Facts&) {
  const auto told = [](const char* name, bool is) {
    return Count(name, Eq(is ? 1 : 0));
  };
  return AllOf(
      Survives(),
      AllOf(told("threshold.below", false), told("threshold.above", true),
            told("threshold.again", false), told("threshold.down", true),
            told("threshold.other", false)),
      AllOf(told("pressure.nearest", true), told("pressure.all", true),
            told("pressure.above", false), told("pressure.own", false),
            told("pressure.alone", true)));
}

const Register kV1Notifications{
    {.id = "memcg/v1_notifications",
     .summary = "v1 tells of thresholds and pressure, to who asked for it",
     .explains =
         {.claim = "Documentation/admin-guide/cgroup-v1/memory: memory "
                   "thresholds, memory pressure; seed 1: observing OOM",
          .deed = "charges and uncharges in a child of the group that has a "
                  "threshold; reads a disk in a small group, with listeners "
                  "there and two above it",
          .functions = "__mem_cgroup_threshold, vmpressure_work_fn, "
                       "vmpressure_event",
          .look_at = "each value is whether that listener was told"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 1, .alone = true, .disk = 64_MiB},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
