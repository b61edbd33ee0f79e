// SPDX-License-Identifier: Apache-2.0
// A process whose first thread has ended is a member of its group like any
// other: what the rest of its threads write is charged there, and limited.
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cases/memcg/stat.h"
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr Bytes kSize = 4_MiB;
constexpr Bytes kLimit = 8_MiB;
constexpr int kPatience = 5000;  // milliseconds

// What the thread works with; its leader's stack is gone by then.
struct Work {
  Trace* trace;
  Gate* written;
  Gate* go;
  pid_t leader;
};

bool IsZombie(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char text[256] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 && std::strstr(text, ") Z ") != nullptr;
}

void* Write(void* work) {
  const auto [trace, written, go, leader] = *static_cast<Work*>(work);
  trace->Set("leader_gone",
             HoldsWithin(kPatience, [leader] { return IsZombie(leader); }));
  WritePages(*trace, MapAnonymous(*trace, kSize));
  written->Open();
  go->Pass();
  WritePages(*trace, MapAnonymous(*trace, 2 * kLimit));
  return nullptr;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const OpenedBox box(trace, f);
  const Group group = box.Child("group");
  group.Set(trace, "memory.max", kLimit);
  Gate written(trace);
  Gate go(trace);
  const pid_t child = StartChildIn(trace, group, [&] {
    static Work work;
    work = {&trace, &written, &go, getpid()};
    pthread_t thread;
    const int error = pthread_create(&thread, nullptr, Write, &work);
    if (error != 0) trace.Stop("pthread_create", error);
    syscall(SYS_exit, 0);  // this thread only
  });
  written.Pass();
  HoldsWithin(kPatience, [&] {
    return group.Field("memory.stat", "anon") >= (kSize - StatError(f)).count;
  });
  trace.Set("charged", group.Field("memory.stat", "anon"));
  go.Open();
  trace.Set("status", Reap(child));
  trace.Set("kills", group.Field("memory.events", "oom_kill"));
  group.Remove(trace);
}

Oracle Expect(const Params&, const Facts& f) {
  return AllOf(Survives(), Count("leader_gone", Eq(1)),
               Size("charged", Between(kSize - StatError(f), kSize + kOwnAnon)),
               Count("status", Eq(SIGKILL)), Count("kills", Eq(1)),
               Written(Between(kSize, kLimit)));
}

const Register kGoneLeader{
    {.id = "memcg/gone_leader",
     .summary = "threads are charged and limited after their leader's end",
     .explains = {.claim = "Documentation/admin-guide/cgroup-v2: a process's "
                           "memory is charged to its cgroup; seed 1: limits "
                           "of a container",
                  .deed = "ends the first thread of a process; another one "
                          "writes 4 MiB, then more than the group may have",
                  .functions = "mm_update_next_owner, get_mem_cgroup_from_mm",
                  .look_at = "charged is the group's anonymous memory, written "
                             "how far the thread came"},
     .suite = Suite::kQuick,
     .blast = Blast::kCgroup,
     .needs = {.memory = 64_MiB, .no_swap = true, .cgroup = 2},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "charged",
                  .better = Better::kNeither,
                  .unit = "bytes",
                  .kind = Kind::kBounded,
                  .tolerance = 1 << 20,
                  .cause = "the process's own pages"}}}};

}  // namespace
}  // namespace oomgate
