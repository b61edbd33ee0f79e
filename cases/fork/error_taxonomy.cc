// SPDX-License-Identifier: Apache-2.0
// fork says why it fails: EAGAIN for a number of tasks that is used up, ENOMEM
// for memory. And what ran out is there again once it is given back.
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr const char* kSubtree = "/sys/fs/cgroup/cgroup.subtree_control";
constexpr const char* kBox = "/sys/fs/cgroup/oomgate-pids";
constexpr const char* kMax = "/sys/fs/cgroup/oomgate-pids/pids.max";
constexpr const char* kCurrent = "/sys/fs/cgroup/oomgate-pids/pids.current";
constexpr const char* kEvents = "/sys/fs/cgroup/oomgate-pids/pids.events";
constexpr const char* kEnter = "/sys/fs/cgroup/oomgate-pids/cgroup.procs";
constexpr const char* kThreadsMax = "/proc/sys/kernel/threads-max";
constexpr uid_t kNobody = 65534;
constexpr rlim_t kMostProcesses = 3;

// How many children there can be at once, up to `limit`, and the errno that
// refuses the next.
std::int64_t Fill(std::int64_t limit, int& error) {
  pid_t children[16];
  std::int64_t count = 0;
  error = 0;
  while (count < limit && error == 0) {
    const pid_t child = fork();
    if (child == 0) WaitForever();
    if (child < 0) {
      error = errno;
    } else {
      children[count++] = child;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) EndChild(children[i]);
  return count;
}

void TryPids(Trace& trace) {
  WriteKnob(trace, kSubtree, "+pids");
  if (mkdir(kBox, 0755) != 0) trace.Stop("mkdir of a cgroup", errno);
  WriteKnob(trace, kMax, "4");
  const pid_t child = StartChild(trace, [&] {
    WriteKnob(trace, kEnter, "0");
    int error = 0;
    trace.Set("pids_children", Fill(10, error));
    trace.Set("pids_errno", error);
    trace.Set("pids_vfork_errno", TryVfork());  // it is about the number
    trace.Set("pids_current", NumberIn(kCurrent));
    trace.Set("pids_events", FieldIn(kEvents, "max"));
    WriteKnob(trace, kMax, "1");
    trace.Set("pids_one_errno", TryFork());
    trace.Set("pids_one_vfork_errno", TryVfork());
  });
  trace.Set("pids_status", Reap(child));
  rmdir(kBox);
  WriteKnob(trace, kSubtree, "-pids");
}

void TryNproc(Trace& trace, bool as_nobody) {
  const pid_t child = StartChild(trace, [&] {
    const rlimit limit{kMostProcesses, kMostProcesses};
    if (setrlimit(RLIMIT_NPROC, &limit) != 0) trace.Stop("setrlimit", errno);
    if (as_nobody && setresuid(kNobody, kNobody, kNobody) != 0) {
      trace.Stop("setresuid", errno);
    }
    int error = 0;
    const std::int64_t children = Fill(10, error);
    trace.Set(as_nobody ? "nproc_children" : "root_children", children);
    trace.Set(as_nobody ? "nproc_errno" : "root_errno", error);
  });
  trace.Set(as_nobody ? "nproc_status" : "root_status", Reap(child));
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  TryPids(trace);
  TryNproc(trace, true);
  TryNproc(trace, false);

  char before[24] = {};
  std::snprintf(before, sizeof before, "%lld",
                static_cast<long long>(NumberIn(kThreadsMax)));
  WriteKnob(trace, kThreadsMax, "20");  // the least that it takes
  trace.Set("threads_max_errno", TryFork());
  WriteKnob(trace, kThreadsMax, before);
  trace.Set("threads_max_after_errno", TryFork());

  const Range big = MapBeyondFork(trace, f);
  trace.Set("memory_errno", TryFork());
  Unmap(trace, big);
  trace.Set("memory_after_errno", TryFork());

  // Flags that contradict each other are neither.
  errno = 0;
  trace.Set("flags_result", syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
  trace.Set("flags_errno", errno);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), Count("pids_status", Eq(0)), Count("pids_children", Eq(3)),
      Count("pids_errno", Eq(EAGAIN)), Count("pids_vfork_errno", Eq(0)),
      Count("pids_current", Eq(1)), Count("pids_events", Eq(1)),
      Count("pids_one_errno", Eq(EAGAIN)),
      Count("pids_one_vfork_errno", Eq(EAGAIN)), Count("nproc_status", Eq(0)),
      Count("nproc_children", Eq(kMostProcesses - 1)),
      Count("nproc_errno", Eq(EAGAIN)),
      // Root is never refused by its number.
      Count("root_status", Eq(0)), Count("root_children", Eq(10)),
      Count("root_errno", Eq(0)), Count("threads_max_errno", Eq(EAGAIN)),
      Count("threads_max_after_errno", Eq(0)),
      Count("memory_errno", Eq(ENOMEM)), Count("memory_after_errno", Eq(0)),
      Count("flags_result", Eq(-1)), Count("flags_errno", Eq(EINVAL)));
}

const Register kErrorTaxonomy{
    {.id = "fork/error_taxonomy",
     .summary = "fork: EAGAIN for too many tasks, ENOMEM for too much memory",
     .explains =
         {.claim = "Seed 2: \"fork: Cannot allocate memory\"; fork(2), ERRORS",
          .deed = "forks at pids.max, at RLIMIT_NPROC as nobody and as root, "
                  "at threads-max, and with too large a mapping",
          .functions = "copy_process, cgroup_can_fork, pids_can_fork, "
                       "is_rlimit_overlimit, dup_mmap",
          .look_at = "the one errno that is another: children says at which "
                     "number it came"},
     // It writes threads-max, and a cgroup of its own.
     .needs = {.alone = true,
               .settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
