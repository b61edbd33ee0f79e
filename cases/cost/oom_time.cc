// SPDX-License-Identifier: Apache-2.0
// How fast a full cgroup is noticed and emptied: from the first sparse read of
// a child to its end, and until its charge is gone.
#include "oomgate/case.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

constexpr int kRounds = 5;

Bytes BoxUsage(const Facts& f) {
  const bool v1 = f.cgroup == 1;
  return {Group(f).Number(v1 ? "memory.usage_in_bytes" : "memory.current")};
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  ReadPages(trace, MapAnonymous(trace, kPage));
  const Bytes idle = BoxUsage(f) + 1_MiB;
  std::atomic<std::int64_t>& touches = trace.Counter("touches");
  std::int64_t least = INT64_MAX, most = 0;
  std::int64_t killed = INT64_MAX, freed = INT64_MAX;  // microseconds
  for (int round = 0; round < kRounds; ++round) {
    touches.store(0);
    Stopwatch watch;
    const int status = RunChild(trace, [&] {
      const MapOptions sparse = {.prot = PROT_READ, .align = 1_GiB};
      ReadPages(trace, MapAnonymous(trace, 1_TiB, sparse), kHugePage);
    });
    killed = std::min(killed, watch.Microseconds());
    watch.Restart();
    if (WTERMSIG(status) != SIGKILL) trace.Stop("the child was not killed", 0);
    while (BoxUsage(f) > idle && watch.Milliseconds() < 10'000) {
      poll(nullptr, 0, 1);
    }
    freed = std::min(freed, watch.Microseconds());
    trace.Add("left", BoxUsage(f) > idle ? 1 : 0);
    least = std::min(least, touches.load());
    most = std::max(most, touches.load());
  }
  trace.Set("least_touches", least);
  trace.Set("most_touches", most);
  trace.Set("oom_us", killed);
  trace.Set("freed_us", freed);
}

Oracle Expect(const Params&, const Facts& f) {
  // As in pages/sparse_amplification, for a child beside its parent: 192 pages
  // are other than leaves, or still held back by another CPU.
  const std::int64_t most = f.box / kPage * 512 / 513;
  const std::int64_t least = most - 192 - 64 * f.cpus;
  return AllOf(Survives(), Count("oom_kills", kRounds),
               Count("least_touches", Between(least, most)),
               Count("most_touches", Between(least, most)), Count("left", 0),
               Count("oom_us", Gt(0)));
}

const Register kOomTime{
    {.id = "cost/oom_time",
     .summary = "time from the first touch to the kill, and to memory again",
     .claim = "Seed 0: killed when page tables fill memory: how soon "
              "(perf.oom_time)",
     .deed = "five children in turn fill a box of 32 MiB with page tables",
     .functions = "mem_cgroup_out_of_memory, oom_kill_process, exit_mmap",
     .look_at = "least_touches: what a round left charged; oom_us in pairs",
     .suite = Suite::kNightly,
     .blast = Blast::kCgroup,
     .needs = {.memory = 32_MiB},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 500,
     .metrics = {Metric::Count("least_touches")
                     .HigherIsBetter()
                     .Within(256, "pages of the processes themselves"),
                 Metric::Time("oom_us", "us"), Metric::Time("freed_us", "us")},
     .timeout_seconds = 60}};

}  // namespace
}  // namespace oomgate
