// SPDX-License-Identifier: Apache-2.0
// What the kernel reports of a kill is true: the victim, the cause, and every
// number, as /proc told them a moment before.
#include "cases/oom/contest.h"
#include "oomgate/threads.h"

namespace oomgate::oom {
namespace {

constexpr int kAdj = 321;
constexpr int kThreads = 4;

// What /proc/<pid>/status says, in kB and in pages.
struct Number {
  const char* name;
  const char* in_pages;
};
constexpr Number kNumbers[] = {{"VmSize", "VmSize pages"},
                               {"VmRSS", "VmRSS pages"},
                               {"RssAnon", "RssAnon pages"},
                               {"RssFile", "RssFile pages"},
                               {"RssShmem", "RssShmem pages"}};

// All of them have run, so that their stacks count.
void StartThreads(Trace& trace) {
  Gate running(trace);
  auto body = [&] {
    running.Open();
    WaitForever();
  };
  for (int i = 0; i < kThreads; ++i) {
    StartThread(trace, body);
    running.Pass();
  }
}

void StartBoth(Contest& s) {
  s.victim = s.Start(kAdj, [&] {
    StartThreads(s.trace);  // a process all the same
    HoldAnonymous(s.trace, 4_MiB);
    HoldShared(s.trace, 2_MiB);
    HoldTables(s.trace, 1_MiB);
  });
  s.other = s.Start(kAdj, 4_MiB);
  s.Set("pid", s.victim);
  for (const Number& number : kNumbers) {
    const Bytes size = StatusField(number.name, s.victim);
    s.Set(number.name, size / 1_KiB);
    s.Set(number.in_pages, size / kPage);
  }
  s.Set("VmPTE", StatusField("VmPTE", s.victim) / 1_KiB);
  s.Set("VmPTE bytes", StatusField("VmPTE", s.victim));
}

// A number of the report's, as the status said.
Oracle Same(const std::string& name, const std::string& value,
            std::int64_t error = 0) {
  return OomNumberLess(name, "start both." + value, Between(-error, error));
}

Steps<Contest> Make(const Params&, const Facts& f) {
  const std::int64_t error = RssError(f);  // pages
  Rows<Contest> report = {
      Count("signal", SIGKILL),
      {"other lives", &Contest::OtherLives, 1},
      OomConstraint("CONSTRAINT_MEMCG"),
      OomNodemask("(null)"),
      KernelLogHas("oomgate-subject invoked oom-killer: gfp_mask=0x"),
      KernelLogHas(", order=0, oom_score_adj=0"),
      KernelLogHas("Memory cgroup out of memory: Killed process"),
      // The last line, in kB.
      Same("pid", "pid"),
      Same("total-vm", "VmSize"),
      Same("anon-rss", "RssAnon", error * 4),
      Same("file-rss", "RssFile", error * 4),
      Same("shmem-rss", "RssShmem", error * 4),
      Same("pgtables", "VmPTE"),
      OomNumber("oom_score_adj", kAdj),
      // The table, in pages.
      Same("table.tgid", "pid"),
      Same("table.total_vm", "VmSize pages"),
      Same("table.rss", "VmRSS pages", error),
      Same("table.pgtables_bytes", "VmPTE bytes"),
      OomNumber("table.lines", 1),
      OomNumber("table.swapents", 0),
      OomNumber("table.uid", 0),
      OomNumber("table.oom_score_adj", kAdj)};
  if (f.kernel >= KernelVersion{6, 8}) {  // has the three kinds of RSS
    report.push_back(Same("table.rss_anon", "RssAnon pages", error));
    report.push_back(Same("table.rss_file", "RssFile pages", error));
    report.push_back(Same("table.rss_shmem", "RssShmem pages", error));
  }
  return {{"start both", StartBoth},
          {"fill the box",
           [](Contest& s) {
             s.ballast.GrowUntilKill(s.f);
             s.Set("signal", SignalOf(s.victim));
           },
           report}};
}

const Register kReportParse{
    {.id = "oom/report_parse",
     .summary = "the kernel's report of a kill is true, number by number",
     .claim = "Seed 0 reads the report: anon-rss, file-rss, pgtables",
     .functions =
         "dump_header, dump_tasks, dump_oom_summary, __oom_kill_process",
     .look_at = "the report in the kernel's log",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 31_MiB,
               .kernel_log = true,
               .settings = {kVmKnobs.With("oom_dump_tasks", "1")}},
     .steps = Make,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
