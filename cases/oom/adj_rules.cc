// SPDX-License-Identifier: Apache-2.0
// Who may set oom_score_adj to what, who inherits it, and who is never chosen:
// the rules that protect and expose processes.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cases/oom/contest.h"

namespace oomgate::oom {
namespace {

constexpr const char* kAdj = "/proc/self/oom_score_adj";
constexpr const char* kOldAdj = "/proc/self/oom_adj";
constexpr Bytes kStack = 64_KiB;

// 0, or errno.
int Write(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = write(fd, text, std::strlen(text)) < 0 ? errno : 0;
  close(fd);
  return error;
}

// A number with its sign; what cannot be read is 9999.
std::int64_t Read(const char* path) {
  char text[24] = {};
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? std::strtoll(text, nullptr, 10) : 9999;
}

std::int64_t AdjOf(pid_t pid) {
  char path[48];
  std::snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  return Read(path);
}

// Runs `body` in a child with that clone flags beside SIGCHLD, on a stack of
// its own.
pid_t Clone(Trace& trace, int flags, int (*body)(void*)) {
  MapOptions options;
  options.pages = MapOptions::kDefault;
  const Range stack = MapAnonymous(trace, kStack, options);
  const pid_t pid = clone(body, stack.end(), flags | SIGCHLD, &trace);
  if (pid < 0) trace.Stop("clone", errno);
  return pid;
}

void Limits(Trace& trace) {
  trace.Set("above.errno", Write(kAdj, "1001"));
  trace.Set("below.errno", Write(kAdj, "-1001"));
  trace.Set("word.errno", Write(kAdj, "much"));
  trace.Set("after_errors", Read(kAdj));
  trace.Set("most.errno", Write(kAdj, "1000"));
  trace.Set("most", Read(kAdj));
  trace.Set("old.most", Read(kOldAdj));
  trace.Set("least.errno", Write(kAdj, "-1000"));
  trace.Set("least", Read(kAdj));
  trace.Set("least.score", NumberIn("/proc/self/oom_score"));
  trace.Set("old.least", Read(kOldAdj));
  // Seventeenths of the same.
  trace.Set("old.errno", Write(kOldAdj, "8"));
  trace.Set("old.as_new", Read(kAdj));
  trace.Set("old.off.errno", Write(kOldAdj, "-17"));
  trace.Set("old.off", Read(kAdj));
  Write(kAdj, "500");
  trace.Set("old.of_500", Read(kOldAdj));
}

// What was set with the right to do so is the floor for who lost it.
void Floor(Trace& trace) {
  SetAdj(trace, 0, 200);
  Reap(StartChild(trace, [&] {
    trace.Set("inherited", Read(kAdj));
    DropCapability(trace, CAP_SYS_RESOURCE);
    trace.Set("raise.errno", Write(kAdj, "700"));
    trace.Set("back.errno", Write(kAdj, "200"));
    trace.Set("lower.errno", Write(kAdj, "199"));
    trace.Set("floor", Read(kAdj));
    // A child without the right has the same floor.
    Write(kAdj, "300");
    Reap(StartChild(trace, [&] {
      trace.Set("child.back.errno", Write(kAdj, "200"));
      trace.Set("child.lower.errno", Write(kAdj, "199"));
    }));
  }));
}

int Wait(void*) { WaitForever(); }

int InVfork(void* at) {
  Trace& trace = *static_cast<Trace*>(at);
  trace.Set("vfork.score", NumberIn("/proc/self/oom_score"));
  trace.Set("vfork.errno", Write(kAdj, "900"));
  trace.Set("vfork.adj", Read(kAdj));
  trace.Set("vfork.parent_adj", AdjOf(getppid()));
  trace.Set("vfork.score_at_900", NumberIn("/proc/self/oom_score"));
  _exit(0);
}

// Two processes with one memory have one score; a child of vfork, which is
// about to have its own, sets only its own.
void OneMemory(Trace& trace) {
  SetAdj(trace, 0, 100);
  const pid_t sharer = Clone(trace, CLONE_VM, Wait);
  SetAdj(trace, 0, 150);
  trace.Set("sharer.follows", AdjOf(sharer));
  SetAdj(trace, sharer, 175);
  trace.Set("sharer.leads", Read(kAdj));
  const pid_t apart = StartChild(trace, [] { WaitForever(); });
  SetAdj(trace, 0, 120);
  trace.Set("apart.adj", AdjOf(apart));
  EndChild(apart);
  EndChild(sharer);
  Reap(Clone(trace, CLONE_VM | CLONE_VFORK, InVfork));
  trace.Set("vfork.after", Read(kAdj));
}

void Subject(Trace& trace, const Params&, const Facts&) {
  Limits(trace);
  Floor(trace);
  OneMemory(trace);
  trace.Set("init.score", NumberIn("/proc/1/oom_score"));
  trace.Set("kernel_thread.score", NumberIn("/proc/2/oom_score"));
  trace.Set("own.score", NumberIn("/proc/self/oom_score"));
}

Oracle ExpectLimits() {
  return AllOf(Count("above.errno", Eq(EINVAL)),
               Count("below.errno", Eq(EINVAL)),
               Count("word.errno", Eq(EINVAL)), Count("after_errors", Eq(0)),
               Count("most.errno", Eq(0)), Count("most", Eq(1000)),
               Count("least.errno", Eq(0)), Count("least", Eq(-1000)),
               Count("least.score", Eq(0)));
}

// The old file: 15 is 1000, -17 is -1000, and seventeenths between.
Oracle ExpectOld() {
  return AllOf(Count("old.most", Eq(15)), Count("old.least", Eq(-17)),
               Count("old.errno", Eq(0)), Count("old.as_new", Eq(470)),
               Count("old.off.errno", Eq(0)), Count("old.off", Eq(-1000)),
               Count("old.of_500", Eq(8)));
}

Oracle ExpectFloor() {
  return AllOf(Count("inherited", Eq(200)), Count("raise.errno", Eq(0)),
               Count("back.errno", Eq(0)), Count("lower.errno", Eq(EACCES)),
               Count("floor", Eq(200)), Count("child.back.errno", Eq(0)),
               Count("child.lower.errno", Eq(EACCES)));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(
      Survives(), ExpectLimits(), ExpectOld(), ExpectFloor(),
      AllOf(Count("sharer.follows", Eq(150)), Count("sharer.leads", Eq(175)),
            Count("apart.adj", Eq(175)), Count("vfork.score", Eq(0)),
            Count("vfork.errno", Eq(0)), Count("vfork.adj", Eq(900)),
            Count("vfork.parent_adj", Eq(120)),
            Count("vfork.score_at_900", Eq(0)), Count("vfork.after", Eq(120))),
      AllOf(Count("init.score", Eq(0)), Count("kernel_thread.score", Eq(0)),
            // 120 of a thousand, and two thirds of 1000 to begin with.
            Count("own.score", Between(746, 760))));
}

const Register kAdjRules{
    {.id = "oom/adj_rules",
     .summary = "who may set oom_score_adj, who inherits it, who is exempt",
     .explains =
         {.claim = "Seed 1 (OOM); Documentation/filesystems/proc.rst, 3.1",
          .deed = "writes oom_score_adj and oom_adj in and out of range, "
                  "without CAP_SYS_RESOURCE, with shared memory, in a vfork",
          .functions = "__set_oom_adj, oom_score_adj_write, copy_signal, "
                       "oom_badness (in_vfork)",
          .look_at = "a value that is 9999 could not be read at all"},
     .suite = Suite::kQuick,
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .oom_score_adj = 0}};

}  // namespace
}  // namespace oomgate::oom
