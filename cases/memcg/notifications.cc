// SPDX-License-Identifier: Apache-2.0
// Who waits for an event of a group, by poll or inotify, is woken: at the group
// that it happened to, at all above it, and nowhere else.
#include <sys/inotify.h>

#include "cases/memcg/groups.h"

namespace oomgate {
namespace {

constexpr Bytes kLimit = 8_MiB;
constexpr Bytes kSwapHigh = 2_MiB;  // who is over it is slowed down
constexpr int kPatience = 5000;     // milliseconds
constexpr int kQuiet = 200;  // a wakeup comes 10 late, where there are many
constexpr int kBoth = 3;     // by poll (1) and by inotify (2)

// A file of a group, as one who waits for it to change has it.
class Watched {
 public:
  Watched(Trace& trace, const Group& group, const char* file)
      : fd_(Must(trace, "open of a group's file",
                 open(group.PathOf(file).text, O_RDONLY | O_CLOEXEC))),
        inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (inotify_ >= 0) {
      Must(trace, "inotify on a group's file",
           inotify_add_watch(inotify_, group.PathOf(file).text, IN_MODIFY));
    }
    Read();
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // Whether it is told of a change within that time, in either way; and has
  // seen it then.
  int Wait(int milliseconds) {
    const auto told = [&](int fd, short event) {
      pollfd changed{fd, event, 0};
      poll(&changed, 1, milliseconds);
      return (changed.revents & event) != 0;
    };
    const bool polled = told(fd_, POLLPRI);
    // Where there is no inotify, or no more of it, poll stands for both.
    const bool noticed = inotify_ >= 0 ? told(inotify_, POLLIN) : polled;
    Read();
    return (polled ? 1 : 0) + (noticed ? 2 : 0);
  }

 private:
  void Read() {
    char text[1024];
    while (pread(fd_, text, sizeof text, 0) < 0 && errno == EINTR) {
    }
    while (read(inotify_, text, sizeof text) > 0) {
    }
  }

  int fd_;
  int inotify_;
};

struct Watch : Scene {
  bool swap = p["event"] == "swap";
  const char* events = swap ? "memory.swap.events" : "memory.events";
  GroupInBox top{trace, f, "top"};
  ChildGroup victim{trace, top, "victim"};
  ChildGroup other{trace, top, "other"};
  Watched above{trace, top, events};
  Watched own{trace, victim, events};
  Watched own_local{trace, victim, "memory.events.local"};
  Watched members{trace, victim, "cgroup.events"};
  Watched beside{trace, other, events};
  Watched above_local{trace, top, "memory.events.local"};

  void Limit() const {
    victim.Set(trace, "memory.max", kLimit);
    if (swap) victim.Set(trace, "memory.swap.high", kSwapHigh);
  }
  std::int64_t Counted() const {
    return victim.Field(events, swap ? "high" : "oom_kill");
  }
  void UseTooMuch() const {
    const pid_t child = StartChildIn(trace, victim, [&] {
      WritePages(trace, MapAnonymous(trace, 2 * kLimit));
    });
    HoldsWithin(10000, [&] { return Counted() > 0; });
    EndChild(child);
    poll(nullptr, 0, kQuiet);
  }
};

// How each is told of what happens there, in that order.
Row<Watch> Told(int how) {
  const int patience = how == 0 ? 0 : kPatience;
  const auto row = [](const char* name, Watched Watch::*file, int wait,
                      int expected) -> Row<Watch> {
    return {name, [=](Watch& s) { return (s.*file).Wait(wait); }, expected};
  };
  return Rows<Watch>{
      row("top", &Watch::above, patience, how),
      row("victim", &Watch::own, patience, how),
      row("victim local", &Watch::own_local, patience, how),
      row("victim members", &Watch::members, patience, how),
      row("other", &Watch::beside, 0, 0),
      row("top local", &Watch::above_local, 0, 0),
  };
}

Steps<Watch> Make(const Params&, const Facts&) {
  return {{"limit a group", &Watch::Limit, Told(0)},
          {"use more than the limit in a child", &Watch::UseTooMuch,
           Is("counted", &Watch::Counted, Ge(1)), Told(kBoth)},
          StepOf<Watch>(
              "let nothing more happen", [] {}, Told(0))
              .HoldsWithout("it does nothing: who was woken is not once more")};
}

const Register kNotifications{
    {.id = "memcg/notifications",
     .summary = "a group's events wake who waits for them, there and above",
     .claim = "Documentation/admin-guide/cgroup-v2: a value change in "
              "memory.events, memory.swap.events generates a file modified "
              "event; seed 1: observing OOM",
     .functions = "memcg_memory_event, cgroup_file_notify, kernfs_notify",
     .look_at = "1 is poll, 2 is inotify, 3 both",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .cgroup = 2},
     .adjust =
         [](const Params& p, InstanceInfo& instance) {
           if (p["event"] != "swap") return;
           instance.needs.swap = 64_MiB;
           instance.needs.box = {{"memory.swap.max", "max"}};
         },
     .params = {{"event", {"limit", "swap"}}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
