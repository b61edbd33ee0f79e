// SPDX-License-Identifier: Apache-2.0
// fork reports why it fails: EAGAIN for a number of tasks that is used up,
// ENOMEM for memory. And what ran out is there again once it is given back.
#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

constexpr KernelFolder kRoot("/sys/fs/cgroup");
constexpr KernelFolder kBox("/sys/fs/cgroup/oomgate-pids");
constexpr KernelFolder kKernel("/proc/sys/kernel");
constexpr uid_t kNobody = 65534;
constexpr rlim_t kMostProcesses = 3;

struct Parent : Scene {
  std::int64_t threads_max = kKernel.Number("threads-max");
  Range big = {};

  int RestoreThreads() const {
    return kKernel.Write("threads-max", threads_max);
  }
  void MapBig() { big = MapBeyondFork(trace, f); }
  void UnmapBig() const { Unmap(trace, big); }
};

// How many children there can be at once, up to ten, and the errno that
// refuses the next.
void Fill(const Parent& s) {
  pid_t children[10];
  int count = 0;
  int error = 0;
  while (count < 10 && error == 0) {
    const pid_t child = fork();
    if (child == 0) WaitForever();
    error = ErrnoOf(child);
    if (error == 0) children[count++] = child;
  }
  for (int i = 0; i < count; ++i) EndChild(children[i]);
  s.Set("children", count);
  s.Set("fork errno", error);
}

int InFullGroup(Parent& s) {
  kRoot.Set(s.trace, "cgroup.subtree_control", "+pids");
  Must(s.trace, "mkdir of a cgroup", mkdir(kBox.folder(), 0755));
  kBox.Set(s.trace, "pids.max", "4");
  const int status = RunChild(s.trace, [&s] {
    kBox.Set(s.trace, "cgroup.procs", "0");
    Fill(s);
    s.Set("vfork errno", TryVfork());  // it is about the number
    s.Set("current", kBox.Number("pids.current"));
    s.Set("events", kBox.Field("pids.events", "max"));
    kBox.Set(s.trace, "pids.max", "1");
    s.Set("one: fork errno", TryFork());
    s.Set("one: vfork errno", TryVfork());
  });
  rmdir(kBox.folder());
  kRoot.Set(s.trace, "cgroup.subtree_control", "-pids");
  return status;
}

auto WithRlimit(uid_t user) {
  return [=](Parent& s) {
    return RunChild(s.trace, [&s, user] {
      const rlimit limit{kMostProcesses, kMostProcesses};
      Must(s.trace, "setrlimit", setrlimit(RLIMIT_NPROC, &limit));
      if (user != 0) Must(s.trace, "setresuid", setresuid(user, user, user));
      Fill(s);
    });
  };
}

Steps<Parent> Make(const Params&, const Facts&) {
  return {{"pids.max of 4", InFullGroup, Count("children", 3),
           Count("fork errno", EAGAIN), Count("vfork errno", 0),
           Count("current", 1), Count("events", 1),
           Count("one: fork errno", EAGAIN), Count("one: vfork errno", EAGAIN)},
          {"RLIMIT_NPROC of 3, nobody", WithRlimit(kNobody),
           Count("children", kMostProcesses - 1), Count("fork errno", EAGAIN)},
          // Root is never refused by its number.
          {"RLIMIT_NPROC of 3, root", WithRlimit(0), Count("children", 10),
           Count("fork errno", 0)},
          // The least that it takes.
          {"threads-max of 20", [] { return kKernel.Write("threads-max", 20); },
           ForkGives(EAGAIN)},
          {"threads-max as before", &Parent::RestoreThreads, ForkGives(0)},
          {"a mapping beyond RAM + swap", &Parent::MapBig, ForkGives(ENOMEM)},
          {"unmap it", &Parent::UnmapBig, ForkGives(0)},
          // Flags that contradict each other are neither.
          {"clone(CLONE_THREAD)",
           [] { return ErrnoOf(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0)); },
           Refused(EINVAL)}};
}

const Register kErrorTaxonomy{
    {.id = "fork/error_taxonomy",
     .summary = "fork: EAGAIN for too many tasks, ENOMEM for too much memory",
     .claim = "Seed 2: \"fork: Cannot allocate memory\"; fork(2), ERRORS",
     .functions = "copy_process, pids_can_fork, is_rlimit_overlimit, dup_mmap",
     // It writes threads-max, and a cgroup of its own.
     .needs = {.alone = true,
               .settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
