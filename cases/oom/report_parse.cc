// SPDX-License-Identifier: Apache-2.0
// What the kernel reports of a kill is true: the victim, the cause, and every
// number, as /proc told them a moment before.
#include <pthread.h>
#include <sys/wait.h>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr int kAdj = 321;
constexpr int kThreads = 4;

// All of them have run, so that their stacks count.
void StartThreads(Trace& trace) {
  Gate running(trace);
  const auto body = [](void* gate) -> void* {
    static_cast<Gate*>(gate)->Open();
    WaitForever();
  };
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    const int error = pthread_create(&thread, nullptr, body, &running);
    if (error != 0) trace.Stop("pthread_create", error);
    running.Pass();
  }
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  Gate ready(trace);
  Ballast ballast(trace);
  const pid_t victim = StartPlayer(trace, ready, kAdj, [&] {
    StartThreads(trace);  // a process all the same
    HoldAnonymous(trace, 4_MiB);
    HoldShared(trace, 2_MiB);
    HoldTables(trace, 1_MiB);
  });
  const pid_t other =
      StartPlayer(trace, ready, kAdj, [&] { HoldAnonymous(trace, 4_MiB); });
  const auto kilobytes = [&](const char* field) {
    return StatusField(field, victim) / 1_KiB;
  };
  trace.Set("victim.pid", victim);
  trace.Set("victim.size", kilobytes("VmSize"));
  trace.Set("victim.pages", kilobytes("VmSize") / 4);
  trace.Set("victim.anon", kilobytes("RssAnon"));
  trace.Set("victim.file", kilobytes("RssFile"));
  trace.Set("victim.shmem", kilobytes("RssShmem"));
  trace.Set("victim.rss_pages", kilobytes("VmRSS") / 4);
  trace.Set("victim.anon_pages", kilobytes("RssAnon") / 4);
  trace.Set("victim.file_pages", kilobytes("RssFile") / 4);
  trace.Set("victim.shmem_pages", kilobytes("RssShmem") / 4);
  trace.Set("victim.tables", kilobytes("VmPTE"));
  trace.Set("victim.table_bytes", StatusField("VmPTE", victim));
  ballast.GrowUntilKill(f);
  trace.Set("victim.signal", WTERMSIG(Reap(victim)));
  int status = 0;
  trace.Set("other.alive", EndsWithin(other, 0, status) ? 0 : 1);
}

// Pages and their kB, as the report rounds neither.
Oracle Same(const char* name, const char* value, std::int64_t error = 0) {
  return OomNumberLess(name, value, Between(-error, error));
}

Oracle Expect(const Params&, const Facts& f) {
  const std::int64_t error = RssError(f);
  const Oracle last_line = AllOf(
      Same("pid", "victim.pid"), Same("total-vm", "victim.size"),
      Same("anon-rss", "victim.anon", error * 4),
      Same("file-rss", "victim.file", error * 4),
      Same("shmem-rss", "victim.shmem", error * 4),
      Same("pgtables", "victim.tables"), OomNumber("oom_score_adj", Eq(kAdj)));
  const Oracle table = AllOf(
      Same("table.tgid", "victim.pid"), Same("table.total_vm", "victim.pages"),
      Same("table.rss", "victim.rss_pages", error),
      Same("table.pgtables_bytes", "victim.table_bytes"),
      OomNumber("table.lines", Eq(1)), OomNumber("table.swapents", Eq(0)),
      OomNumber("table.uid", Eq(0)),
      OomNumber("table.oom_score_adj", Eq(kAdj)));
  const Oracle report =
      AllOf(Survives(), Count("victim.signal", Eq(SIGKILL)),
            Count("other.alive", Eq(1)), OomConstraint("CONSTRAINT_MEMCG"),
            OomNodemask("(null)"), last_line, table,
            KernelLogHas("oomgate-subject invoked oom-killer: gfp_mask=0x"),
            KernelLogHas(", order=0, oom_score_adj=0"),
            KernelLogHas("Memory cgroup out of memory: Killed process"));
  if (f.kernel < KernelVersion{6, 8}) return report;
  // The three kinds of RSS: in the table since 6.8.
  return AllOf(report, Same("table.rss_anon", "victim.anon_pages", error),
               Same("table.rss_file", "victim.file_pages", error),
               Same("table.rss_shmem", "victim.shmem_pages", error));
}

const Register kReportParse{
    {.id = "oom/report_parse",
     .summary = "the kernel's report of a kill is true, number by number",
     .explains =
         {.claim = "Seed 0 reads the report: anon-rss, file-rss, pgtables",
          .deed = "lets a child with known memory be killed in a full cgroup, "
                  "and compares the report with its /proc/<pid>/status",
          .functions = "dump_header, dump_tasks, dump_oom_summary, "
                       "__oom_kill_process",
          .look_at = "the report in the kernel's log"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB,
               .kernel_log = true,
               .settings = {{"/proc/sys/vm/oom_dump_tasks", "1"}}},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
