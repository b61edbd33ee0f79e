// SPDX-License-Identifier: Apache-2.0
// Points below zero protect from nobody but others: where all in a full group
// have such, the one with the most of them dies. Only a score of -1000 spares.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLimit = 16_MiB;
constexpr int kAdj = -500;
constexpr Bytes kFile = 10_MiB;   // of nobody's points
constexpr Bytes kHeld = 1_MiB;    // with the score: about -7 MiB
constexpr Bytes kWanted = 7_MiB;  // more than there is room for

struct Negative : Scene {
  GroupInBox group{trace, f};
  Gate ready{trace};
  pid_t owner = 0;
  pid_t small = 0;

  template <typename Hold>
  pid_t Start(int adj, Hold hold) {
    return group.Start([&] {
      SetAdj(trace, 0, adj);
      hold();
      ready.Open();
      WaitForever();
    });
  }
  void StartBoth() {
    group.Set(trace, "memory.max", kLimit);
    owner = Start(-1000, [&] { Ballast(trace).Grow(kFile); });
    ready.Pass();
    small = Start(kAdj, [&] { HoldAnonymous(trace, kHeld); });
    ready.Pass();
  }
  std::int64_t Points() const {
    return PagesOf(small) + kAdj * PagesPerAdj(kLimit);
  }
  std::int64_t Kills() const {
    return group.Field("memory.events", "oom_kill");
  }
  void StartLarge() {
    const pid_t large = Start(kAdj, [&] { HoldAnonymous(trace, kWanted); });
    int status = -1;
    Set("ended", EndsWithin(large, 10000, status));
    Set("status", status);
  }
};

Steps<Negative> Make(const Params&, const Facts&) {
  return {
      {"start a file's owner and a small one", &Negative::StartBoth,
       Is("points", &Negative::Points, Lt(0))},
      {"start one that needs too much", &Negative::StartLarge,
       Count("ended", 1), Count("status", SIGKILL),
       Is("kills", &Negative::Kills, 1),
       Is("small ended", Ended(&Negative::small), 0),
       Is("owner ended", Ended(&Negative::owner), 0),
       // Below zero, too, as long as it is less than half of the limit.
       Written(Between(kLimit - kFile - 3 * kOwnAnon, kLimit / 2 - kOwnAnon))},
  };
}

const Register kNegativePoints{
    {.id = "oom/negative_points",
     .summary = "where all have points below zero, the most of them die first",
     .claim = "Seed 1 (OOM); Documentation/filesystems/proc: oom_score_adj; "
              "only -1000 disables a kill",
     .functions = "select_bad_process, oom_evaluate_task, oom_badness",
     .look_at = "ended 0: no victim was found",
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
