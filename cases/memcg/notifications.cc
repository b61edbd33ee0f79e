// SPDX-License-Identifier: Apache-2.0
// Who waits for an event of a group, by poll or inotify, is woken: at the group
// that it happened to, at all above it, and nowhere else.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kSwapHigh = 2_MiB;  // who is over it is slowed down
constexpr int kPatience = 5000;     // milliseconds
constexpr int kQuiet = 200;  // a wakeup comes 10 late, where there are many

const char* Name(const char* first, const char* second) {
  static char name[48];
  std::snprintf(name, sizeof name, "%.12s.%.32s", first, second);
  return name;
}

// A file of a group, as one who waits for it to change has it.
class Watched {
 public:
  Watched(Trace& trace, const Group& group, const char* owner, const char* file)
      : owner_(owner), file_(file) {
    char path[256];
    std::snprintf(path, sizeof path, "%s/%s", group.folder(), file);
    fd_ = open(path, O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) trace.Stop("open of a group's file", errno);
    inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify_ >= 0 && inotify_add_watch(inotify_, path, IN_MODIFY) < 0) {
      trace.Stop("inotify on a group's file", errno);
    }
    Read();
  }
  ~Watched() {
    close(fd_);
    close(inotify_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // Leaves whether it is told of a change within that time, in either way;
  // and has seen it then.
  void Leave(Trace& trace, const char* when, int milliseconds) {
    pollfd changed[] = {{fd_, POLLPRI, 0}};
    poll(changed, 1, milliseconds);
    const bool polled = (changed[0].revents & POLLPRI) != 0;
    bool noticed = polled;  // where there is no inotify, or no more of it
    if (inotify_ >= 0) {
      pollfd modified[] = {{inotify_, POLLIN, 0}};
      poll(modified, 1, milliseconds);
      noticed = (modified[0].revents & POLLIN) != 0;
    }
    char name[40];
    std::snprintf(name, sizeof name, "%s.%s", owner_, file_);
    trace.Set(Name(when, name), (polled ? 1 : 0) + (noticed ? 2 : 0));
    Read();
  }

 private:
  void Read() {
    char text[1024];
    while (pread(fd_, text, sizeof text, 0) < 0 && errno == EINTR) {
    }
    while (read(inotify_, text, sizeof text) > 0) {
    }
  }

  const char* owner_;
  const char* file_;
  int fd_ = -1;
  int inotify_ = -1;
};

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group top = box.Child("top");
  top.GiveToChildren(trace);
  const Group victim = top.Child(trace, "victim");
  const Group other = top.Child(trace, "other");
  const bool swap = p["event"] == "swap";
  const char* const events = swap ? "memory.swap.events" : "memory.events";
  victim.Set(trace, "memory.max", kLimit);
  if (swap) victim.Set(trace, "memory.swap.high", kSwapHigh);
  {
    Watched above(trace, top, "top", events);
    Watched own(trace, victim, "victim", events);
    Watched beside(trace, other, "other", events);
    Watched above_local(trace, top, "top", "memory.events.local");
    Watched own_local(trace, victim, "victim", "memory.events.local");
    Watched members(trace, victim, "victim", "cgroup.events");
    const auto leave = [&](const char* when, bool happens) {
      poll(nullptr, 0, happens ? kQuiet : 0);
      for (Watched* file : {&above, &own, &own_local, &members}) {
        file->Leave(trace, when, happens ? kPatience : 0);
      }
      for (Watched* file : {&beside, &above_local}) file->Leave(trace, when, 0);
    };
    leave("before", false);
    const pid_t child = StartChildIn(trace, victim, [&] {
      WritePages(trace, MapAnonymous(trace, 2 * kLimit));
    });
    const auto counted = [&] {
      return victim.Field(events, swap ? "high" : "oom_kill");
    };
    HoldsWithin(10000, [&] { return counted() > 0; });
    trace.Set("counted", counted());
    EndChild(child);
    leave("after", true);
    leave("still", false);
  }
  victim.Remove(trace);
  other.Remove(trace);
  top.Remove(trace);
}

Oracle Expect(const Params& p, const Facts&) {
  const std::string events =
      p["event"] == "swap" ? "memory.swap.events" : "memory.events";
  constexpr int kBoth = 3;  // by poll and by inotify
  Oracle all = AllOf(Survives(), Count("counted", Ge(1)));
  const auto woken = [&](const std::string& file, int how) {
    all = AllOf(all, Count("before." + file, Eq(0)),
                Count("after." + file, Eq(how)), Count("still." + file, Eq(0)));
  };
  woken("top." + events, kBoth);
  woken("victim." + events, kBoth);
  woken("victim.memory.events.local", kBoth);
  woken("victim.cgroup.events", kBoth);
  woken("other." + events, 0);
  woken("top.memory.events.local", 0);
  return all;
}

const Register kNotifications{
    {.id = "memcg/notifications",
     .summary = "a group's events wake who waits for them, there and above",
     .explains = {.claim =
                      "Documentation/admin-guide/cgroup-v2: a value change "
                      "in memory.events, memory.swap.events generates a "
                      "file modified event; seed 1: observing OOM",
                  .deed = "lets a child die at the limit of its group, or swap "
                          "beyond memory.swap.high, with poll and inotify on "
                          "files of that group, of the one above, and of "
                          "another one",
                  .functions = "memcg_memory_event, cgroup_file_notify, "
                               "kernfs_notify",
                  .look_at = "after.<group>.<file>: 1 is poll, 2 is inotify, 3 "
                             "both; still.* is asked when nothing happens"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["event"] != "swap") return;
           instance.needs.swap = 64_MiB;
           instance.needs.box = {{"memory.swap.max", "max"}};
         },
     .params = {{"event", {"limit", "swap"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
