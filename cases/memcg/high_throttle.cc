// SPDX-License-Identifier: Apache-2.0
// memory.high stops nobody and kills nobody: it slows a writer that cannot be
// reclaimed, more with every page; pressure shows it, and a trigger tells.
#include "cases/memcg/groups.h"
#include "cases/memcg/pressure.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

constexpr Bytes kHigh = 8_MiB;
constexpr Bytes kWanted = 32_MiB;
constexpr int kWatched = 2500;      // milliseconds
constexpr int kWatchedAbove = 800;  // without limit it would be over

struct Groups : Scene {
  GroupInBox group{trace, f};
  ChildGroup calm{trace, group.box(), "calm"};
  ChildGroup above{trace, group.box(), "above"};
  ChildGroup below{trace, above, "below"};
  pid_t other = StartChildIn(trace, calm, WaitForever);
  pid_t writer = -1;
  std::atomic<std::int64_t>* written = nullptr;
  pollfd trigger{Must(trace, "open of memory.pressure",
                      open(group.PathOf("memory.pressure").text,
                           O_RDWR | O_NONBLOCK | O_CLOEXEC)),
                 POLLPRI, 0};

  // Until it has written so much, or for 10 s.
  void StartWriter(const Group& in) {
    written = &trace.Counter("written");
    writer = StartChildIn(
        trace, in, [&] { WritePages(trace, MapAnonymous(trace, kWanted)); });
    HoldsWithin(10000, [&] { return Total() >= kHigh; });
  }
  void WriteBeyond() {
    group.Set(trace, "memory.high", kHigh);
    StartWriter(group);
  }
  void WriteBelow() {
    above.Set(trace, "memory.high", kHigh);
    StartWriter(below);
  }
  bool EndedWithin(int milliseconds) const {
    int status = -1;
    return EndsWithin(writer, milliseconds, status);
  }
  bool EndedBelow() const { return EndedWithin(kWatchedAbove); }
  int Fired() { return poll(&trigger, 1, 0); }
  int Fires() { return poll(&trigger, 1, 10000); }
  int Told() const { return trigger.revents & POLLPRI; }
  std::int64_t CalmStalled() const { return Stalls(calm).some; }
  Bytes Total() const { return Bytes{written->load()}; }
  std::int64_t Stalled() const { return Stalls(group).some; }
};

// Asks for a trigger: "some", microseconds, in a window of so many.
template <std::size_t kSize>
auto SetTrigger(const char (&text)[kSize]) {
  return [&text](const Groups& s) {
    return ErrnoOf(write(s.trigger.fd, text, kSize));
  };
}

void Watch(Groups& s) {
  const Bytes at = s.Total();
  const Stopwatch watch;
  s.Set("fired again", 0);
  for (std::int64_t left = kWatched; left > 0;
       left = kWatched - watch.Milliseconds()) {
    if (poll(&s.trigger, 1, static_cast<int>(left)) > 0) {
      s.trace.Add("fired again", 1);
    }
  }
  s.Set("ended", s.EndedWithin(0));
  s.Set("progress", s.Total() - at);
}

void TellPressure(Groups& s) {
  HoldsWithin(5000, [&] { return s.Stalled() > 500000; });
  const Stalls stalls(s.group);
  s.Set("stalled us", stalls.some);
  s.Set("stalled full us", stalls.full);
}

void Kill(Groups& s) {
  const Stopwatch watch;
  kill(s.writer, SIGKILL);
  int status = -1;
  s.Set("dies", EndsWithin(s.writer, 10000, status));
  s.Set("milliseconds", watch.Milliseconds());
  s.Set("status", status);
}

Steps<Groups> Make(const Params&, const Facts&) {
  constexpr auto kGroup = &Groups::group;
  return {
      {"ask for a trigger of 2 s in 1 s", SetTrigger("some 2000000 1000000"),
       Refused(EINVAL), Is("stalled us", &Groups::Stalled, 0)},
      {"set a trigger of 100 ms in 1 s", SetTrigger("some 100000 1000000"),
       Is("fired", &Groups::Fired, 0)},
      {"write beyond memory.high", &Groups::WriteBeyond,
       Is("reached", &Groups::Total, Ge(kHigh)), Is("fires", &Groups::Fires, 1),
       Is("told", &Groups::Told, POLLPRI)},
      // It fires once in each window, as long as it lasts.
      {"watch it for 2.5 s", Watch,
       Count("fired again", Between(1, 2 + kWatched / 1000)), Count("ended", 0),
       Size("progress", Le(2_MiB)),
       Is("total", &Groups::Total, Between(kHigh, 2 * kHigh)),
       Is("high", Event(kGroup, "high"), Ge(40)),
       Is("max", Event(kGroup, "max"), 0), Is("oom", Event(kGroup, "oom"), 0),
       Is("oom_kill", Event(kGroup, "oom_kill"), 0)},
      {"look at the pressure", TellPressure, Count("stalled us", Gt(500000)),
       Percent("stalled full us", "stalled us", Between(90.0, 101.0)),
       Is("calm stalled us", &Groups::CalmStalled, 0)},
      {"kill it", Kill, Count("dies", 1), Count("milliseconds", Le(3000)),
       Count("status", SIGKILL)},
      // What the groups above may have holds for all below.
      {"write below a group with the limit", &Groups::WriteBelow,
       Is("ended", &Groups::EndedBelow, 0),
       Is("total", &Groups::Total, Between(kHigh, 2 * kHigh)),
       Is("high", Event(&Groups::above, "high"), Ge(1))},
  };
}

const Register kHighThrottle{
    {.id = "memcg/high_throttle",
     .summary = "memory.high slows down what it cannot reclaim; PSI shows it",
     .claim = "Documentation/admin-guide/cgroup-v2: over memory.high, "
              "processes are throttled, and never OOM-killed; memory.pressure "
              "(PSI); seed 1: observing memory",
     .functions = "mem_cgroup_handle_over_high, calculate_high_delay, "
                  "psi_memstall_enter, psi_trigger_poll",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .steps = Make,
     .metrics = {Metric::Time("total", "bytes", "watch it for 2.5 s.total")}}};

}  // namespace
}  // namespace oomgate
