// SPDX-License-Identifier: Apache-2.0
// Swap fills up before anybody is killed, what a victim has there counts
// against it, and it is free again afterwards.
#include <sys/wait.h>

#include <cstdio>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLocked = 4_MiB;
constexpr int kDeadline = 5000;

std::int64_t OfBox(const Facts& f, const char* file) {
  char path[256];
  std::snprintf(path, sizeof path, "%s/%s", f.box_folder.c_str(), file);
  return NumberIn(path);
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Gate go(trace);
  const std::int64_t kills = Kills(f);
  // Half of its points will be in swap, and none of the other's.
  const pid_t victim = StartChild(trace, [&] {
    SetAdj(trace, 0, 300);
    go.Pass();
    WritePages(trace, MapAnonymous(trace, 2 * (f.box + f.swap)));
  });
  // Locked pages are not swapped, and make it the one with more RAM.
  const pid_t other = StartPlayer(trace, ready, 300, [&] {
    const Range range = MapAnonymous(trace, kLocked);
    WritePages(trace, range);
    if (mlock(range.start, static_cast<std::size_t>(kLocked.count)) != 0) {
      trace.Stop("mlock", errno);
    }
    trace.Set("written", 0_B);
  });
  go.Open();
  trace.Set("victim.signal", WTERMSIG(Reap(victim)));
  trace.Set("kills", Kills(f) - kills);
  int status = 0;
  trace.Set("other.alive", EndsWithin(other, 0, status) ? 0 : 1);
  trace.Set("other.locked", StatusField("VmLck", other));
  trace.Set("other.rss", StatusField("RssAnon", other));
  // Slots come back when the dead process's memory does.
  std::int64_t left = -1;
  for (int i = 0; i < kDeadline / 10; ++i) {
    left = OfBox(f, "memory.swap.current");
    if (left <= (1_MiB).count) break;
    (void)EndsWithin(other, 10, status);
  }
  trace.Set("swap_left", left);
}

Oracle Expect(const Params&, const Facts& f) {
  // Slots that the CPUs hold back, and swap that is cached in RAM as well.
  const Bytes all = f.box - kLocked + f.swap;
  // What it shares since the fork counts for it, and is charged only once.
  const Bytes most = f.box - kLocked + kOwnAnon;
  return AllOf(Survives(), Count("victim.signal", Eq(SIGKILL)),
               Count("kills", Eq(1)), Count("other.alive", Eq(1)),
               Size("other.locked", Eq(kLocked)),
               Size("other.rss", Between(kLocked, kLocked + kOwnAnon)),
               Size("written", Between(all - 6_MiB, all)),
               OomConstraint("CONSTRAINT_MEMCG"),
               OomNumber("table.swapents",
                         Between((f.swap - 2_MiB) / kPage, f.swap / kPage)),
               OomAnonRss(Between(f.box - kLocked - 5_MiB, most)),
               Size("swap_left", Le(1_MiB)));
}

const Register kSwapFull{
    {.id = "oom/swap_full",
     .summary = "swap is full before anybody is killed, and free after",
     .explains =
         {.claim = "Seed 1 (OOM, swap); appendix: swap counts in badness. "
                   "Also mlock: locked pages stay, whatever the pressure",
          .deed = "writes more than a cgroup and all swap hold, beside a "
                  "process with locked memory",
          .functions = "shrink_folio_list, folio_alloc_swap, oom_badness, "
                       "swap_free, mlock_folio",
          .look_at = "written is what fitted; table.swapents of the report is "
                     "how much of it was in swap"},
     // Filling swap takes long on some kernels.
     .suite = Suite::kNightly,
     .blast = Blast::kCgroup,
     .needs = {.memory = 24_MiB,
               .swap = 64_MiB,
               .cgroup = 2,
               .kernel_log = true,
               .alone = true,
               .settings = {{"/proc/sys/vm/oom_dump_tasks", "1"}},
               .box = {{"memory.swap.max", "max"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0,
     .timeout_seconds = 120}};

}  // namespace
}  // namespace oomgate::oom
