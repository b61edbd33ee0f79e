// SPDX-License-Identifier: Apache-2.0
// A process whose first thread has ended is a member of its group like any
// other: what the rest of its threads write is charged there, and limited.
#include "cases/memcg/groups.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kLimit = 8_MiB;

struct Process : Scene {
  GroupInBox group{trace, f};
  Gate written{trace};
  Gate go{trace};
  pid_t child = -1;

  void Start() {
    group.Set(trace, "memory.max", kLimit);
    child = group.Start([&] {
      const pid_t leader = getpid();
      auto work = [&, leader] {
        Set("leader gone", HoldsWithin(5000, [leader] {
              return ProcessState(leader) == 'Z';
            }));
        WritePages(trace, MapAnonymous(trace, kSize));
        written.Open();
        go.Pass();
        WritePages(trace, MapAnonymous(trace, 2 * kLimit));
      };
      StartThread(trace, work);
      syscall(SYS_exit, 0);  // this thread only; its stack stays
    });
    written.Pass();
  }
  void WriteOn() {
    go.Open();
    Set("status", Reap(child));
    Set("kills", group.Field("memory.events", "oom_kill"));
  }
};

Steps<Process> Make(const Params&, const Facts& f) {
  return {
      {"end the first thread, write in another", &Process::Start,
       Count("leader gone", 1), Written(kSize),
       Soon("anon", Stat(&Process::group, "anon"),
            Between(kSize - StatError(f), kSize + kOwnAnon))},
      {"write on beyond the limit", &Process::WriteOn, Count("status", SIGKILL),
       Count("kills", 1), Written(Between(0_B, kLimit - kSize))}};
}

const Register kGoneLeader{
    {.id = "memcg/gone_leader",
     .summary = "threads are charged and limited after their leader's end",
     .claim = "Documentation/admin-guide/cgroup-v2: a process's memory is "
              "charged to its cgroup; seed 1: limits of a container",
     .functions = "mm_update_next_owner, get_mem_cgroup_from_mm",
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .steps = Make,
     .metrics = {
         Metric::Size("charged", "end the first thread, write in another.anon")
             .EitherWay()
             .Within(1 << 20, "the process's own pages")}}};

}  // namespace
}  // namespace oomgate
