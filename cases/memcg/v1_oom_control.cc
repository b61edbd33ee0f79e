// SPDX-License-Identifier: Apache-2.0
// cgroup v1, oom_kill_disable: a task that meets the limit sleeps until there
// is room, and can be killed meanwhile; a system call is told ENOMEM instead;
// a listener is told of the OOM.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "oomgate/case.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kWanted = 12_MiB;
constexpr int kDeadline = 10000;

// 'R', 'S', 'D' …; '?' where there is none.
char StateOf(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char text[512] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  (void)!read(file, text, sizeof text - 1);
  close(file);
  const char* const end = std::strrchr(text, ')');
  return end == nullptr ? '?' : end[2];
}

// It sleeps, and its group says why. Not by wchan: up to 5.10 that is hidden.
bool SleepsForMemory(pid_t pid, const Group& group) {
  return StateOf(pid) == 'D' &&
         group.Field("memory.oom_control", "under_oom") == 1;
}

// At a limit of both, what one gives back wakes the other.
void Siblings(Trace& trace, const Facts& f) {
  const Group both = Group(f).Child(trace, "both");
  // As it always is since 5.11.
  both.Set(trace, "memory.use_hierarchy", "1");
  both.Set(trace, "memory.limit_in_bytes", kLimit);
  both.Set(trace, "memory.oom_control", "1");
  const Group holder = both.Child(trace, "holder");
  const Group hog = both.Child(trace, "hog");
  Gate held(trace);
  Gate release(trace);
  const pid_t other = StartChildIn(trace, holder, [&] {
    const Range range = MapAnonymous(trace, kLimit / 2);
    WritePages(trace, range);
    held.Open();
    release.Pass();
    Unmap(trace, range);
    WaitForever();
  });
  held.Pass();
  const pid_t child = StartChildIn(trace, hog, [&] {
    WritePages(trace, MapAnonymous(trace, kLimit * 3 / 4));
  });
  HoldsWithin(kDeadline, [&] { return SleepsForMemory(child, both); });
  trace.Set("beside.asleep", SleepsForMemory(child, both));
  release.Open();
  int status = -1;
  trace.Set("beside.resumed",
            EndsWithin(child, kDeadline, status) ? status : -1);
  if (status == -1) EndChild(child);
  EndChild(other);
  hog.Remove(trace);
  holder.Remove(trace);
  both.Remove(trace);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Group group = Group(f).Child(trace, "group");
  group.Set(trace, "memory.limit_in_bytes", kLimit);
  group.Set(trace, "memory.oom_control", "1");
  trace.Set("disabled", group.Field("memory.oom_control", "oom_kill_disable"));
  const int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  char path[256];
  std::snprintf(path, sizeof path, "%s/memory.oom_control", group.folder());
  const int control = open(path, O_RDONLY | O_CLOEXEC);
  std::snprintf(path, sizeof path, "%d %d", event, control);
  group.Set(trace, "cgroup.event_control", path);
  pollfd told{event, POLLIN, 0};
  trace.Set("told_before", poll(&told, 1, 0));

  const auto written = [&] { return trace.Counter("written").load(); };
  const auto sleeper = [&] {
    trace.Set("written", 0);
    const pid_t child = StartChildIn(
        trace, group, [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
    HoldsWithin(kDeadline, [&] { return SleepsForMemory(child, group); });
    return child;
  };
  pid_t child = sleeper();
  trace.Set("told", poll(&told, 1, kDeadline));
  trace.Set("asleep", SleepsForMemory(child, group));
  trace.Set("state", StateOf(child));
  trace.Set("under_oom", group.Field("memory.oom_control", "under_oom"));
  trace.Set("usage", group.Number("memory.usage_in_bytes"));
  trace.Set("failcnt", group.Number("memory.failcnt"));
  trace.Set("full", written());
  int status = -1;
  trace.Set("stays", EndsWithin(child, 50, status) ? 0 : 1);
  trace.Set("still", written());
  // More room: it goes on, and ends as if nothing had been.
  group.Set(trace, "memory.limit_in_bytes", 2 * kWanted);
  trace.Set("resumed", EndsWithin(child, kDeadline, status) ? status : -1);
  trace.Set("finished", written());
  trace.Set("oom_after", group.Field("memory.oom_control", "under_oom"));
  HoldsWithin(
      5000, [&] { return group.Write("memory.limit_in_bytes", kLimit) == 0; });

  // Asleep, it can be killed.
  child = sleeper();
  kill(child, SIGKILL);
  trace.Set("killed", EndsWithin(child, kDeadline, status) ? status : -1);

  // Enabled again, it is the killer's.
  child = sleeper();
  group.Set(trace, "memory.oom_control", "0");
  trace.Set("enabled", EndsWithin(child, kDeadline, status) ? status : -1);
  trace.Set("oom_kill", group.Field("memory.oom_control", "oom_kill"));

  // In a system call nobody waits.
  group.Set(trace, "memory.oom_control", "1");
  trace.Set("advice", Reap(StartChildIn(trace, group, [&] {
              trace.Set("advice_errno", -1);
              const Range range = MapAnonymous(trace, kWanted);
              errno = 0;
              madvise(range.start, static_cast<std::size_t>(kWanted.count),
                      MADV_POPULATE_WRITE);
              trace.Set("advice_errno", errno);
            })));
  close(control);
  close(event);
  group.Remove(trace);
  Siblings(trace, f);
}

Oracle Expect(const Params&, const Facts& f) {
  constexpr Bytes kOwn = 64 * kPage;
  const auto full = Between(kLimit - kOwn, kLimit);
  return AllOf(
      Survives(), Count("disabled", Eq(1)), Count("told_before", Eq(0)),
      Count("told", Eq(1)), Count("asleep", Eq(1)), Count("state", Eq('D')),
      Count("under_oom", Eq(1)), Size("usage", Eq(kLimit)),
      Count("failcnt", Ge(1)), Size("full", full), Count("stays", Eq(1)),
      Difference("still", "full", Eq(0)), Count("resumed", Eq(0)),
      Size("finished", Eq(kWanted)), Count("oom_after", Eq(0)),
      Count("killed", Eq(SIGKILL)), Count("enabled", Eq(SIGKILL)),
      Count("oom_kill", Eq(1)), Count("advice", Eq(0)),
      // MADV_POPULATE_WRITE came with 5.14.
      Count("advice_errno",
            Eq(f.kernel < KernelVersion{5, 14} ? EINVAL : ENOMEM)),
      Count("beside.asleep", Eq(1)), Count("beside.resumed", Eq(0)));
}

const Register kV1OomControl{
    {.id = "memcg/v1_oom_control",
     .summary = "v1: with oom_kill_disable a task sleeps at the limit",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v1/memory: "
                           "memory.oom_control; seed 1: observing OOM",
                  .deed = "with the killer off, lets children meet the limit, "
                          "then gives room, kills one, turns the killer on; "
                          "lets a sibling give back what is missing",
                  .functions = "mem_cgroup_oom_synchronize, "
                               "mem_cgroup_oom_notify, memcg_oom_recover",
                  .look_at = "asleep, state and under_oom are seen at the "
                             "limit; resumed, killed, enabled wait statuses"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 1},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
