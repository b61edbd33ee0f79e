// SPDX-License-Identifier: Apache-2.0
// In a full cgroup a step of oom_score_adj is worth a thousandth of its limits,
// not of RAM: the score at which the victim changes is found, to the page.
#include "cases/oom/duel.h"

namespace oomgate::oom {
namespace {

// The least score that the players have; above the subject's own points.
constexpr int kBase = 300;
constexpr Bytes kLarge = 4_MiB;
constexpr Bytes kSmall = 1_MiB;
constexpr Bytes kSwap = 8_MiB;

// mem_cgroup_get_max: its memory, and what it may swap.
Bytes Total(const Params& p, const Facts& f) {
  return p["swap"] == "none" ? f.box : f.box + kSwap;
}

void Subject(Trace& trace, const Params& p, const Facts& f) {
  const std::int64_t per_adj = PagesPerAdj(Total(p, f));
  Duel duel(trace, f, per_adj,
            {.hold = HoldAnonymous, .size = kLarge, .adj = kBase},
            {.hold = HoldAnonymous, .size = kSmall, .adj = kBase});
  trace.Set("smaller_lives", !duel.SecondDies());
  trace.Set("threshold", duel.Threshold(1000 - kBase));
  trace.Set("adj_pages", per_adj);
  duel.Report(f);
}

Oracle Expect(const Params& p, const Facts& f) {
  return AllOf(Survives(), Count("smaller_lives", 1),
               DecidedByScore(f, kLarge - kSmall, PagesPerAdj(Total(p, f))));
}

// Of v2 only: v1 limits both together.
void Adjust(const Params& p, InstanceInfo& instance) {
  if (p["swap"] == "none") return;
  instance.needs.swap = 64_MiB;
  instance.needs.cgroup = 2;
  instance.needs.box = {{"memory.swap.max", std::to_string(kSwap.count)}};
}

const Register kMemcgAdjThreshold{
    {.id = "oom/memcg_adj_threshold",
     .summary = "the score that changes the victim, in units of the limit",
     .claim = "Seed 1 (OOM); Documentation/filesystems/proc.rst: oom_score_adj "
              "is in thousandths of the allowed memory",
     .deed = "bisects the score at which 1 MiB dies instead of 4 MiB, in a "
             "cgroup of 15 MiB; panic_on_oom=1 and oom_kill_allocating_task=1 "
             "do not reach into it",
     .functions = "oom_badness, mem_cgroup_get_max, oom_evaluate_task",
     .look_at = "lead_lost and lead_won: by how many pages the second one led "
                "when it lived and when it died; killed itself: "
                "oom_kill_allocating_task reached into the cgroup",
     .blast = Blast::kCgroup,
     // 3840 pages: a step is 3 pages, not 3.84.
     .needs = {.memory = 15_MiB, .kernel_log = true, .settings = ManyKills()},
     .adjust = Adjust,
     .params = {{"swap", {"none", "8m"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .metrics = {
         Metric::Count("threshold")
             .EitherWay()
             .Within(64, "RSS is read approximately from 6.2 to 6.19")}}};

}  // namespace
}  // namespace oomgate::oom
