// SPDX-License-Identifier: Apache-2.0
// Where a mapping beyond RAM + swap makes fork fail, everything that shares the
// memory instead of copying it goes on: vfork, clone, threads, posix_spawn.
#include <linux/sched.h>
#include <sched.h>
#include <spawn.h>

#include "cases/fork/neighbours.h"
#include "oomgate/threads.h"

namespace oomgate {
namespace {

// Nothing is there: spawning it gets as far as exec, in a child.
constexpr const char* kNoProgram = "/oomgate/no/such/program";

struct Parent : Scene {
  Range big = MapBeyondFork(trace, f);
};

int EndAtOnce(void* shared) {
  *static_cast<volatile char*>(shared) = 7;
  return 0;
}

int TryCloneVm(Parent& s) {
  static char stack[16 << 10] __attribute__((aligned(16)));
  const int child =
      clone(EndAtOnce, stack + sizeof stack, CLONE_VM | SIGCHLD, s.big.start);
  if (child < 0) return errno;
  s.Set("status", Reap(child));
  s.Set("wrote", *static_cast<volatile char*>(s.big.start));
  return 0;
}

int EndOf(long child) {
  if (child == 0) _exit(0);
  if (child < 0) return errno;
  Reap(static_cast<pid_t>(child));
  return 0;
}

// fork by another name: nothing of it shares the memory.
auto RawClone(unsigned long flags) {
  return [=] { return EndOf(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)); };
}

int TryClone3() {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  return EndOf(syscall(SYS_clone3, &arguments, sizeof arguments));
}

int TrySpawn() {
  char name[] = "x";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  pid_t child = 0;
  return posix_spawn(&child, kNoProgram, nullptr, nullptr, arguments,
                     environment);
}

// A child that sees the parent's memory, and stops it until exec or exit.
void ShareByVfork(Parent& s) {
  volatile int seen = 0;
  const pid_t child = vfork();
  if (child == 0) {
    seen = 1;
    _exit(0);
  }
  if (child > 0) Reap(child);
  s.Set("child's write", seen);
}

Steps<Parent> Make(const Params&, const Facts&) {
  return {
      {"fork", TryFork, {Refused(ENOMEM)}},
      {"clone(CLONE_VFORK)", RawClone(CLONE_VFORK), {Refused(ENOMEM)}},
      {"clone(CLONE_FILES, CLONE_FS)",
       RawClone(CLONE_FILES | CLONE_FS),
       {Refused(ENOMEM)}},
      {"clone3", TryClone3, {Refused(ENOMEM)}},
      {"vfork", TryVfork},
      {"clone(CLONE_VM)", TryCloneVm, {Count("status", 0), Count("wrote", 7)}},
      {"posix_spawn", TrySpawn, {Refused(ENOENT)}},
      // Nothing was copied, nothing mapped for good.
      {"thread",
       TryThread,
       {{"rss", [](Parent& s) { return ReadMapping(s.big).rss; }, kPage},
        {"mappings", [](Parent& s) { return ReadMapping(s.big).mappings; },
         1}}},
      {"vfork, and write in the child",
       ShareByVfork,
       {Count("child's write", 1)}},
  };
}

const Register kVforkFamily{
    {.id = "fork/vfork_family",
     .summary = "where fork gets ENOMEM, whatever shares the memory goes on",
     .claim = "Seed 2: \"use vfork instead\": CLONE_VM is what helps, "
              "CLONE_VFORK without it does not",
     .functions = "copy_mm, dup_mmap, __vm_enough_memory",
     .look_at =
         "0 where ENOMEM is expected: the check of dup_mmap is gone; ENOENT is "
         "the exec of a program that is not there, so the child did start",
     .suite = Suite::kQuick,
     .needs = {.settings = {kVmKnobs.With("overcommit_memory", "0")}},
     .steps = Make}};

}  // namespace
}  // namespace oomgate
