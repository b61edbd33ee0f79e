// SPDX-License-Identifier: Apache-2.0
// However many are killed in a short time, the kernel's log names each of them,
// also where it leaves out the tables.
#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr int kVictims = 14;  // more than the 10 reports in 5 s
constexpr Bytes kLimit = 2_MiB;

// Reads on: how many kills the log told of since.
int Told(int log) {
  int told = 0;
  char record[1024];
  for (;;) {
    const ssize_t length = read(log, record, sizeof record - 1);
    if (length < 0 && errno == EPIPE) continue;  // some were overwritten
    if (length <= 0) return told;
    record[length] = '\0';
    told += std::strstr(record, "Killed process ") != nullptr ? 1 : 0;
  }
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const GroupInBox group(trace, f);
  group.Set(trace, "memory.max", kLimit);
  // All of it is more than the kernel keeps.
  const int log = Must(trace, "open of /dev/kmsg",
                       open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  lseek(log, 0, SEEK_END);
  for (int i = 0; i < kVictims; ++i) {
    const int status =
        group.Run([&] { WritePages(trace, MapAnonymous(trace, 2 * kLimit)); });
    trace.Add("killed", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    trace.Add("told", Told(log));
  }
  trace.Set("events", group.Field("memory.events", "oom_kill"));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("killed", kVictims), Count("events", kVictims),
               Count("oom_kills", kVictims), Count("told", kVictims));
}

const Register kEveryKillTold{
    {.id = "oom/every_kill_told",
     .summary = "the kernel's log names every process that is killed",
     .claim = "Seed 1: observing OOM; Seed 0 reads \"Killed process\"",
     .deed = "lets 14 children die at their group's limit, one after the other",
     .functions = "__oom_kill_process, oom_kill_process (oom_rs)",
     .look_at = "told are the lines \"Killed process\", events the kills that "
                "the group counts",
     .blast = Blast::kCgroup,
     .needs =
         {.memory = 64_MiB, .no_swap = true, .cgroup = 2, .kernel_log = true},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
