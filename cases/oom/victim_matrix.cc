// SPDX-License-Identifier: Apache-2.0
// A full machine: the killer takes the one with the most points, as scores
// shift them, one at a time, and leaves the others alone.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kSizes[] = {20_MiB, 10_MiB, 5_MiB};
constexpr int kPlayers = 3;
constexpr const char* kAllocator = "/proc/sys/vm/oom_kill_allocating_task";

struct Round {
  const char* name;
  int adj[kPlayers];
  int victim;
};
constexpr Round kRounds[] = {
    {"equal", {0, 0, 0}, 0},          {"raised", {0, 500, 0}, 1},
    {"lowered", {-900, 0, 0}, 1},     {"smallest", {0, 0, 1000}, 2},
    {"exempt", {-1000, -1000, 0}, 2},
};

class Arena {
 public:
  Arena(Trace& trace, const Facts& facts)
      : trace_(trace), facts_(facts), ready_(trace), ballast_(trace) {}

  // Which of the three died: 0 to 2.
  int Play(const int (&adj)[kPlayers]) {
    Bytes missing = 1_MiB;
    for (int i = 0; i < kPlayers; ++i) {
      if (pids_[i] == 0) missing += kSizes[i];
    }
    ballast_.Shrink(missing);
    for (int i = 0; i < kPlayers; ++i) {
      if (pids_[i] == 0) {
        pids_[i] = StartPlayer(trace_, ready_, adj[i],
                               [&] { HoldAnonymous(trace_, kSizes[i]); });
      }
      SetAdj(trace_, pids_[i], adj[i]);
    }
    ballast_.GrowUntilKill(facts_);
    const pid_t victim = NextVictim(trace_);
    for (int i = 0; i < kPlayers; ++i) {
      if (pids_[i] == victim) {
        pids_[i] = 0;
        return i;
      }
    }
    return -1;
  }
  void Clear() {
    for (pid_t& pid : pids_) {
      if (pid != 0) EndChild(pid);
      pid = 0;
    }
    ballast_.Shrink(ballast_.size());
  }

 private:
  Trace& trace_;
  const Facts& facts_;
  Gate ready_;
  Ballast ballast_;
  pid_t pids_[kPlayers] = {};
};

// A parent with more than its child: since 5.1 it is not the child that pays.
void ParentAndChild(Trace& trace, const Facts& f) {
  Gate ready(trace);
  Gate child_ready(trace);
  Ballast ballast(trace);
  // Its orphan must not die with it, and is ours to reap.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::atomic<std::int64_t>& child = trace.Counter("child.pid");
  const pid_t parent = StartPlayer(trace, ready, 0, [&] {
    child = fork();
    if (child == 0) {
      child = getpid();
      HoldAnonymous(trace, kSizes[1]);
      child_ready.Open();
      WaitForever();
    }
    child_ready.Pass();
    HoldAnonymous(trace, kSizes[0]);
  });
  ballast.GrowUntilKill(f);
  trace.Set("parent.dies", NextVictim(trace) == parent ? 1 : 0);
  trace.Set("child.alive",
            waitpid(static_cast<pid_t>(child), nullptr, WNOHANG) == 0);
  EndChild(static_cast<pid_t>(child));
}

// With oom_kill_allocating_task the one that asks dies, unless it is exempt.
void KillTheAllocator(Trace& trace, const Facts& f) {
  WriteKnob(trace, kAllocator, "1");
  Gate ready(trace);
  const pid_t large =
      StartPlayer(trace, ready, 500, [&] { HoldAnonymous(trace, kSizes[0]); });
  const auto allocate = [&](int adj) {
    return StartChild(trace, [&] {
      SetAdj(trace, 0, adj);
      Ballast ballast(trace);
      ballast.GrowUntilKill(f);
    });
  };
  const pid_t allocator = allocate(-998);
  trace.Set("allocator.dies", NextVictim(trace) == allocator ? 1 : 0);
  const pid_t exempt = allocate(-1000);
  trace.Set("exempt.dies", NextVictim(trace) != large ? 1 : 0);
  trace.Set("exempt.status", Reap(exempt));
  WriteKnob(trace, kAllocator, "0");
}

// The score at which a small one dies instead of a large one.
void Threshold(Trace& trace, const Facts& f) {
  Duel duel(trace, f, PagesPerAdj(f.ram + f.swap),
            {.hold = HoldAnonymous, .size = 10_MiB},
            {.hold = HoldAnonymous, .size = 5_MiB});
  // Five MiB are 23 steps of 54 pages, and with swap 17 of 71.
  trace.Set("threshold", Largest(64, [&](std::int64_t adj) {
              duel.second().adj = static_cast<int>(adj);
              return !duel.SecondDies();
            }));
  duel.Report(f);
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  if (p["swap"] != "none") return Threshold(trace, f);
  const std::int64_t kills = Kills(f);
  Arena arena(trace, f);
  for (const Round& round : kRounds) {
    trace.Set(round.name, arena.Play(round.adj));
  }
  arena.Clear();
  ParentAndChild(trace, f);
  KillTheAllocator(trace, f);
  Threshold(trace, f);
  trace.Set("all_kills", Kills(f) - kills);
}

Oracle Expect(const Params& p, const Facts& f) {
  const std::int64_t step = PagesPerAdj(f.ram + f.swap);
  const std::int64_t threshold = 5_MiB / kPage / step;
  const std::int64_t error = (2 * RssError(f) + 4) / step + 1;
  const Oracle decided =
      AllOf(Survives(),
            Count("threshold", Between(threshold - error, threshold + error)),
            DecidedByPoints(f, step), OomConstraint("CONSTRAINT_NONE"));
  if (p["swap"] != "none") return decided;
  Oracle rounds = decided;
  for (const Round& round : kRounds) {
    rounds = AllOf(rounds, Count(round.name, Eq(round.victim)));
  }
  return AllOf(
      rounds,
      // The first kill's report: the 20 MiB, and what a child has besides.
      OomNodemask("(null)"),
      OomAnonRss(Between(kSizes[0], kSizes[0] + kOwnAnon)),
      OomNumber("oom_score_adj", Eq(0)), Count("parent.dies", Eq(1)),
      Count("child.alive", Eq(1)), Count("allocator.dies", Eq(1)),
      Count("exempt.dies", Eq(0)), Count("exempt.status", Eq(0)),
      KernelLogHas("Out of memory (oom_kill_allocating_task): Killed process"),
      // One more than rounds each: of the parent, the allocator, the large one.
      Difference("all_kills", "rounds", Eq(8)));
}

// What swap there is counts as memory, too.
void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["swap"] == "none") return;
  instance.needs.no_swap = false;
  instance.needs.swap = 64_MiB;
}

const Register kVictimMatrix{
    {.id = "oom/victim_matrix",
     .summary = "who dies when the machine is full: by points, scores, knobs",
     .explains =
         {.claim = "Seeds 0 and 1 (OOM). Also children_not_sacrificed (seed "
                   "2: a fork's child does not pay for its parent) and "
                   "kill_allocating_task",
          .deed = "fills RAM with pages that no process has, again and again, "
                  "around three processes with different scores; around a "
                  "parent and its child; with oom_kill_allocating_task; and "
                  "bisects a score, with swap, too",
          .functions = "out_of_memory, select_bad_process, oom_badness, "
                       "oom_kill_process",
          .look_at = "each round is named; its value is which of 20, 10 and 5 "
                     "MiB died (0, 1, 2)"},
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"swap", {"none", "64m"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = -999,
     .metrics = {{.name = "threshold",
                  .kind = Kind::kBounded,
                  .tolerance = 8,
                  .cause = "RSS is read approximately from 6.2 to 6.19"}},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::oom
