// SPDX-License-Identifier: Apache-2.0
// How long a kill takes, and how long it holds up others: from a full cgroup to
// the victim's end, and the longest pause of a process outside.
#include "cases/oom/contest.h"
#include "oomgate/stopwatch.h"
#include "oomgate/threads.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kHeld = 16_MiB;
constexpr std::int64_t kMost = 5000000;  // microseconds

// Beats every millisecond; sets its longest pause.
void StartHeart(Trace& trace, const Params&, const Facts&) {
  static std::atomic<std::int64_t>& longest = trace.Counter("pause_us");
  static auto beat = [] {
    const timespec millisecond = {.tv_sec = 0, .tv_nsec = 1000000};
    const Stopwatch watch;
    for (std::int64_t last = 0;;) {
      nanosleep(&millisecond, nullptr);
      const std::int64_t now = watch.Microseconds();
      longest = std::max<std::int64_t>(longest, now - last);
      last = now;
    }
  };
  StartThread(trace, beat);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Ballast ballast(trace);
  const std::int64_t kills = Kills(f);
  const pid_t victim =
      StartPlayer(trace, ready, 500, [&] { HoldAnonymous(trace, kHeld); });
  ballast.Grow(f.box - kHeld - 4_MiB);
  const Stopwatch watch;
  ballast.GrowUntilKill(f);
  trace.Set("victim.signal", WTERMSIG(Reap(victim)));
  trace.Set("kill_us", watch.Microseconds());
  trace.Set("kills", Kills(f) - kills);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("victim.signal", SIGKILL), Count("kills", 1),
               Count("kill_us", Lt(kMost)),
               Count("heart.pause_us", Between<std::int64_t>(1, kMost)),
               BystandersSurvive());
}

const Register kLatency{
    {.id = "oom/latency",
     .summary = "a kill ends in seconds, and holds nobody else up for seconds",
     .claim = "Seed 1 (OOM): what a kill costs",
     .deed = "fills a cgroup around 16 MiB; a process outside measures its own "
             "pauses",
     .functions = "mem_cgroup_out_of_memory, exit_mm",
     .look_at = "compare kill_us and heart.pause_us in pairs",
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB},
     .subject = Subject,
     .expect = Expect,
     .bystanders = {{.name = "heart", .prepare = StartHeart, .in_box = false}},
     .oom_score_adj = 0,
     .metrics = {Metric::Time("kill_us", "us"),
                 Metric::Time("heart.pause_us", "us")}}};

}  // namespace
}  // namespace oomgate::oom
