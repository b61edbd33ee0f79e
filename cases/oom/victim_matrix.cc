// SPDX-License-Identifier: Apache-2.0
// A full machine: the killer takes the one with the most points, as scores
// shift them, one at a time, and leaves the others alone.
#include "cases/oom/duel.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kSizes[] = {20_MiB, 10_MiB, 5_MiB};
constexpr int kPlayers = 3;
constexpr const char* kAllocator = "oom_kill_allocating_task";

struct Round {
  const char* name;
  int adj[kPlayers];
  int victim;
};
constexpr Round kRounds[] = {
    {"three of equal scores", {0, 0, 0}, 0},
    {"the second one's score raised", {0, 500, 0}, 1},
    {"the largest one's score lowered", {-900, 0, 0}, 1},
    {"the smallest one with 1000", {0, 0, 1000}, 2},
    {"both larger ones exempt", {-1000, -1000, 0}, 2},
};

struct Arena : Contest {
  pid_t players[kPlayers] = {};

  void Play(const Round& round) {
    ballast.Shrink(1_MiB);
    for (int i = 0; i < kPlayers; ++i) {
      if (players[i] == 0) {
        ballast.Shrink(kSizes[i]);
        players[i] = Start(round.adj[i], kSizes[i]);
      }
      SetAdj(trace, players[i], round.adj[i]);
    }
    ballast.GrowUntilKill(f);
    pid_t* const died = std::ranges::find(players, NextVictim(trace));
    if (died == std::end(players)) return;
    Set("who", died - players);
    *died = 0;
  }
  pid_t StartAllocator(int adj) {
    return StartChild(trace, [&] {
      SetAdj(trace, 0, adj);
      Ballast(trace).GrowUntilKill(f);
    });
  }
};

// A parent with more than its child: since 5.1 it is not the child that pays.
void ParentAndChild(Arena& s) {
  for (const pid_t pid : s.players) {
    if (pid != 0) EndChild(pid);
  }
  s.ballast.Shrink(s.ballast.size());
  Gate child_ready(s.trace);
  // Its orphan must not die with it, and is ours to reap.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::atomic<std::int64_t>& child = s.trace.Counter("child.pid");
  const pid_t parent = StartPlayer(s.trace, s.ready, 0, [&] {
    child = fork();
    if (child == 0) {
      child = getpid();
      HoldAnonymous(s.trace, kSizes[1]);
      child_ready.Open();
      WaitForever();
    }
    child_ready.Pass();
    HoldAnonymous(s.trace, kSizes[0]);
  });
  s.ballast.GrowUntilKill(s.f);
  s.Set("parent dies", NextVictim(s.trace) == parent);
  s.Set("child lives", !HasEnded(static_cast<pid_t>(child)));
  EndChild(static_cast<pid_t>(child));
}

// The one that asks dies, unless it is exempt.
void KillAllocator(Arena& s) {
  kVmKnobs.Set(s.trace, kAllocator, 1);
  s.other = s.Start(500, kSizes[0]);
  const pid_t allocator = s.StartAllocator(-998);
  s.Set("allocator dies", NextVictim(s.trace) == allocator);
}
void SpareAllocator(Arena& s) {
  const pid_t exempt = s.StartAllocator(-1000);
  s.Set("large dies", NextVictim(s.trace) == s.other);
  s.Set("allocator status", Reap(exempt));
  kVmKnobs.Set(s.trace, kAllocator, 0);
}

// The score at which a small one dies instead of a large one.
void FindThreshold(Arena& s) {
  Duel duel(s.trace, s.f, PagesPerAdj(s.f.ram + s.f.swap),
            {.hold = HoldAnonymous, .size = 10_MiB},
            {.hold = HoldAnonymous, .size = 5_MiB});
  // Five MiB are 23 steps of 54 pages, and with swap 17 of 71.
  s.Set("threshold", duel.Threshold(64));
  duel.Report(s.f);
}

Steps<Arena> Make(const Params& p, const Facts& f) {
  const Oracle decided =
      AllOf(DecidedByScore(f, 5_MiB, PagesPerAdj(f.ram + f.swap)),
            OomConstraint("CONSTRAINT_NONE"));
  if (p["swap"] != "none") return {{"bisect a score", FindThreshold, decided}};
  const auto one_kill = Change("kills", &Contest::KillsSoFar, 1);
  Steps<Arena> steps;
  for (const Round& round : kRounds) {
    steps.push_back({round.name, [=](Arena& s) { s.Play(round); },
                     Count("who", round.victim), one_kill});
  }
  steps.insert(
      steps.end(),
      {{"a parent with more than its child", ParentAndChild,
        Count("parent dies", 1), Count("child lives", 1), one_kill},
       {"let the one die that asks", KillAllocator, Count("allocator dies", 1),
        one_kill,
        KernelLogHas(
            "Out of memory (oom_kill_allocating_task): Killed process")},
       {"exempt the one that asks", SpareAllocator, Count("large dies", 1),
        Count("allocator status", 0), one_kill},
       // The first kill's report: the 20 MiB, and what a child has besides.
       {"bisect a score", FindThreshold, decided,
        Difference("kills", "rounds", 0), OomNodemask("(null)"),
        OomAnonRss(Between(kSizes[0], kSizes[0] + kOwnAnon)),
        OomNumber("oom_score_adj", 0)}});
  return steps;
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
     .claim =
         "Seeds 0 and 1 (OOM). Also children_not_sacrificed (seed 2: a fork's "
         "child does not pay for its parent) and kill_allocating_task",
     .functions =
         "out_of_memory, select_bad_process, oom_badness, oom_kill_process",
     .look_at = "who is which of 20, 10 and 5 MiB died (0, 1, 2)",
     .blast = Blast::kMachine,
     .needs = {.memory = 256_MiB, .no_swap = true, .kernel_log = true},
     .adjust = Adjust,
     .params = {{"swap", {"none", "64m"}}},
     .steps = Make,
     .oom_score_adj = -999,
     .metrics = {Metric::Count("threshold", "bisect a score.threshold")
                     .EitherWay()
                     .Within(8, "RSS is read approximately from 6.2 to 6.19")},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate::oom
