// SPDX-License-Identifier: Apache-2.0
// Points below zero protect from nobody but others: where all in a full group
// have such, the one with the most of them dies. Only a score of -1000 spares.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr Bytes kLimit = 16_MiB;
constexpr int kAdj = -500;
constexpr Bytes kFile = 10_MiB;   // of nobody's points
constexpr Bytes kHeld = 1_MiB;    // with the score: about -7 MiB
constexpr Bytes kWanted = 7_MiB;  // more than there is room for

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kLimit);
  Gate ready(trace);
  const auto start = [&](Bytes size) {
    return StartChildIn(trace, group, [&, size] {
      SetAdj(trace, 0, kAdj);
      WritePages(trace, MapAnonymous(trace, size));
      ready.Open();
      WaitForever();
    });
  };
  const pid_t owner = StartChildIn(trace, group, [&] {
    SetAdj(trace, 0, -1000);
    const int file = static_cast<int>(syscall(SYS_memfd_create, "mine", 0U));
    static char chunk[64 << 10];
    for (Bytes at; at < kFile; at += Bytes{sizeof chunk}) {
      if (write(file, chunk, sizeof chunk) != ssize_t{sizeof chunk}) {
        trace.Stop("write to a memfd", errno);
      }
    }
    ready.Open();
    WaitForever();
  });
  ready.Pass();
  const pid_t small = start(kHeld);
  ready.Pass();
  trace.Set("points", PagesOf(small) + kAdj * PagesPerAdj(kLimit));
  trace.Set("written", 0);
  const pid_t large = start(kWanted);
  int status = -1;
  trace.Set("ended", EndsWithin(large, 10000, status));
  trace.Set("status", status);
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  for (const auto& [name, pid] :
       {std::pair{"small", small}, {"owner", owner}}) {
    int ended = 0;
    trace.Set(name, EndsWithin(pid, 0, ended) ? 1 : 0);
    if (trace.Counter(name).load() == 0) EndChild(pid);
  }
  if (status < 0) EndChild(large);
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Count("points", Lt(0)), Count("ended", Eq(1)),
      Count("status", Eq(SIGKILL)), Count("kills", Eq(1)),
      Count("small", Eq(0)), Count("owner", Eq(0)),
      // Below zero, too, as long as it is less than half of the limit.
      Written(Between(kLimit - kFile - 3 * kOwnAnon, kLimit / 2 - kOwnAnon)));
}

const Register kNegativePoints{
    {.id = "oom/negative_points",
     .summary = "where all have points below zero, the most of them die first",
     .explains = {.claim = "Seed 1 (OOM); Documentation/filesystems/proc: "
                           "oom_score_adj; only -1000 disables a kill",
                  .deed = "fills a group of 16 MiB, of which 10 are a file's, "
                          "with two processes of score -500",
                  .functions = "select_bad_process, oom_evaluate_task, "
                               "oom_badness",
                  .look_at = "points is what the smaller one has, in pages; "
                             "ended 0: no victim was found"},
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
