// SPDX-License-Identifier: Apache-2.0
// memory.high stops nobody and kills nobody: it slows a writer that cannot be
// reclaimed, more with every page; pressure shows it, and a trigger tells.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "cases/memcg/pressure.h"

namespace oomgate {
namespace {

constexpr Bytes kHigh = 8_MiB;
constexpr Bytes kWanted = 32_MiB;
constexpr int kWatched = 2500;      // milliseconds
constexpr int kWatchedAbove = 800;  // without limit it would be over

std::int64_t Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// What the groups above may have holds for all below.
void Above(Trace& trace, const OpenedBox& box) {
  const Group above = box.Child("above");
  above.GiveToChildren(trace);
  const Group group = above.Child(trace, "group");
  above.Set(trace, "memory.high", kHigh);
  trace.Set("written", 0);
  const pid_t child = StartChildIn(
      trace, group, [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
  const auto written = [&] { return trace.Counter("written").load(); };
  HoldsWithin(10000, [&] { return written() >= kHigh.count; });
  int status = -1;
  const bool ended = EndsWithin(child, kWatchedAbove, status);
  trace.Set("above.ended", ended);
  trace.Set("above.total", written());
  trace.Set("above.high", above.Field("memory.events", "high"));
  if (!ended) EndChild(child);
  group.Remove(trace);
  above.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  const Group calm = box.Child("calm");
  group.Set(trace, "memory.high", kHigh);
  trace.Set("before.some", Stalls(group).some);
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.pressure", group.folder());
  const int trigger = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  constexpr char kBad[] = "some 2000000 1000000";
  trace.Set("bad_errno", write(trigger, kBad, sizeof kBad) > 0 ? 0 : errno);
  // 100 ms in any window of 1 s.
  constexpr char kStall[] = "some 100000 1000000";
  trace.Set("trigger_errno",
            write(trigger, kStall, sizeof kStall) > 0 ? 0 : errno);
  pollfd quiet{trigger, POLLPRI, 0};
  trace.Set("fired_before", poll(&quiet, 1, 0));

  const pid_t other = StartChildIn(trace, calm, WaitForever);
  const pid_t child = StartChildIn(
      trace, group, [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
  const auto written = [&] { return trace.Counter("written").load(); };
  HoldsWithin(10000, [&] { return written() >= kHigh.count; });
  trace.Set("reached_high", written() >= kHigh.count);
  pollfd fires{trigger, POLLPRI, 0};
  trace.Set("fired", poll(&fires, 1, 10000));
  trace.Set("fired_pri", (fires.revents & POLLPRI) != 0);
  const std::int64_t at = written();
  const std::int64_t start = Now();
  // Once in each window, as long as it lasts.
  trace.Set("fired_again", 0);
  for (std::int64_t left = kWatched; left > 0;
       left = start + kWatched - Now()) {
    if (poll(&fires, 1, static_cast<int>(left)) > 0)
      trace.Add("fired_again", 1);
  }
  int status = -1;
  trace.Set("ended", EndsWithin(child, 0, status));
  trace.Set("progress", written() - at);
  trace.Set("watched_ms", Now() - start);
  trace.Set("total", written());
  for (const char* event : {"high", "max", "oom", "oom_kill"}) {
    trace.Set(event, group.Field("memory.events", event));
  }
  HoldsWithin(5000, [&] { return Stalls(group).some > 500000; });
  const Stalls after(group);
  trace.Set("after.some", after.some);
  trace.Set("after.full", after.full);
  trace.Set("calm.some", Stalls(calm).some);
  const std::int64_t kill_time = Now();
  kill(child, SIGKILL);
  trace.Set("dies", EndsWithin(child, 10000, status));
  trace.Set("kill_ms", Now() - kill_time);
  trace.Set("status", status);
  EndChild(other);
  close(trigger);
  calm.Remove(trace);
  group.Remove(trace);
  Above(trace, box);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Size("before.some", Eq(0_B)),
               Count("bad_errno", Eq(EINVAL)), Count("trigger_errno", Eq(0)),
               Count("fired_before", Eq(0)), Count("reached_high", Eq(1)),
               Count("fired", Eq(1)), Count("fired_pri", Eq(1)),
               Count("fired_again", Between(1, 2 + kWatched / 1000)),
               Count("ended", Eq(0)), Size("progress", Le(2_MiB)),
               Size("total", Between(kHigh, kHigh + kHigh)),
               Count("high", Ge(40)), Count("max", Eq(0)), Count("oom", Eq(0)),
               Count("oom_kill", Eq(0)), Count("after.some", Gt(500000)),
               Percent("after.full", "after.some", Between(90.0, 101.0)),
               Count("calm.some", Eq(0)), Count("dies", Eq(1)),
               Count("kill_ms", Le(3000)), Count("status", Eq(SIGKILL)),
               Count("above.ended", Eq(0)),
               Size("above.total", Between(kHigh, kHigh + kHigh)),
               Count("above.high", Ge(1)));
}

const Register kHighThrottle{
    {.id = "memcg/high_throttle",
     .summary = "memory.high slows down what it cannot reclaim; PSI shows it",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: over "
                           "memory.high, processes are throttled, and never "
                           "OOM-killed; memory.pressure (PSI); seed 1: "
                           "observing memory",
                  .deed = "writes beyond memory.high without swap, watched by "
                          "a pressure trigger, then is killed; writes again "
                          "where the limit is of the group above",
                  .functions = "mem_cgroup_handle_over_high, "
                               "calculate_high_delay, psi_memstall_enter, "
                               "psi_trigger_poll",
                  .look_at = "total beyond the range says that it is not "
                             "throttled; dies, that it cannot be killed"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "total",
                  .better = Better::kLower,
                  .unit = "bytes",
                  .kind = Kind::kTime}}}};

}  // namespace
}  // namespace oomgate
