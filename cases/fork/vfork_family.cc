// SPDX-License-Identifier: Apache-2.0
// Where a mapping beyond RAM + swap makes fork fail, everything that shares the
// memory instead of copying it goes on: vfork, clone, threads, posix_spawn.
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases/fork/neighbours.h"

namespace oomgate {
namespace {

// Nothing is there: spawning it gets as far as exec, in a child.
constexpr const char* kNoProgram = "/oomgate/no/such/program";

int EndAtOnce(void* shared) {
  *static_cast<volatile char*>(shared) = 7;
  return 0;
}

int TryCloneVm(Trace& trace, char* shared) {
  static char stack[16 << 10] __attribute__((aligned(16)));
  const int child = clone(EndAtOnce, stack + sizeof stack, CLONE_VM | SIGCHLD,
                          const_cast<char*>(shared));
  if (child < 0) return errno;
  const int status = Reap(child);
  trace.Set("clone_vm_status", status);
  trace.Set("clone_vm_wrote", *static_cast<volatile char*>(shared));
  return 0;
}

// fork by other names: nothing of it shares the memory.
int TryRawClone(unsigned long flags) {
  const long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  Reap(static_cast<pid_t>(child));
  return 0;
}

int TryClone3() {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  Reap(static_cast<pid_t>(child));
  return 0;
}

int TrySpawn() {
  char name[] = "x";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  pid_t child = 0;
  return posix_spawn(&child, kNoProgram, nullptr, nullptr, arguments,
                     environment);
}

void* Nothing(void*) { return nullptr; }

int TryThread() {
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, Nothing, nullptr);
  if (error == 0) pthread_join(thread, nullptr);
  return error;
}

void Subject(Trace& trace, const Params&, const Facts& f) {
  const Range big = MapBeyondFork(trace, f);
  trace.Set("fork_errno", TryFork());
  trace.Set("clone_vfork_alone_errno", TryRawClone(CLONE_VFORK));
  trace.Set("clone_files_errno", TryRawClone(CLONE_FILES | CLONE_FS));
  trace.Set("clone3_errno", TryClone3());

  trace.Set("vfork_errno", TryVfork());
  trace.Set("clone_vm_errno", TryCloneVm(trace, big.start));
  trace.Set("posix_spawn_errno", TrySpawn());
  trace.Set("thread_errno", TryThread());
  // Nothing of it was copied, nothing mapped for good.
  trace.Set("rss", ReadMapping(big).rss);
  trace.Set("mappings", ReadMapping(big).mappings);
  // A child that sees the parent's memory, and stops it until exec or exit.
  volatile int seen = 0;
  const pid_t child = vfork();
  if (child == 0) {
    seen = 1;
    _exit(0);
  }
  if (child > 0) Reap(child);
  trace.Set("vfork_shares", seen);
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("fork_errno", Eq(ENOMEM)),
               Count("clone_vfork_alone_errno", Eq(ENOMEM)),
               Count("clone_files_errno", Eq(ENOMEM)),
               Count("clone3_errno", Eq(ENOMEM)), Count("vfork_errno", Eq(0)),
               Count("clone_vm_errno", Eq(0)), Count("clone_vm_status", Eq(0)),
               Count("clone_vm_wrote", Eq(7)),
               Count("posix_spawn_errno", Eq(ENOENT)),
               Count("thread_errno", Eq(0)), Size("rss", Eq(kPage)),
               Count("mappings", Eq(1)), Count("vfork_shares", Eq(1)));
}

const Register kVforkFamily{
    {.id = "fork/vfork_family",
     .summary = "where fork gets ENOMEM, whatever shares the memory goes on",
     .explains =
         {.claim = "Seed 2: \"use vfork instead\": CLONE_VM is what helps, "
                   "CLONE_VFORK without it does not",
          .deed =
              "maps more than fork may copy, then tries eight ways to start "
              "a process or a thread",
          .functions = "copy_mm, dup_mmap, __vm_enough_memory",
          .look_at = "an errno of 0 where ENOMEM is expected says that the "
                     "check of dup_mmap is gone; ENOENT is the exec of a "
                     "program that is not there, so the child did start"},
     .suite = Suite::kQuick,
     .needs = {.settings = {{"/proc/sys/vm/overcommit_memory", "0"}}},
     .subject = Subject,
     .expect = Expect}};

}  // namespace
}  // namespace oomgate
