// SPDX-License-Identifier: Apache-2.0
// How long the arguments of a command may be: a quarter of RLIMIT_STACK, but
// not less than 128 KiB nor more than 6 MiB, to the byte; beyond, E2BIG.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kArguments = 64;
// fs/exec.c, include/uapi/linux/{limits,binfmts}.h
constexpr Bytes kFloor = 128_KiB;       // ARG_MAX
constexpr Bytes kCeiling = 6_MiB;       // three quarters of _STK_LIM
constexpr Bytes kLongest = 32 * kPage;  // MAX_ARG_STRLEN, with its end
constexpr Bytes kMost = kArguments * kLongest;

struct Limit {
  const char* name;
  Bytes stack;  // RLIMIT_STACK; 0: none
};
constexpr Limit kLimits[] = {
    {"floor", 256_KiB}, {"quarter", 2_MiB}, {"default", 8_MiB}, {"none", 0_B}};

char text[kLongest.count + 2];

// What exec says to arguments of that many bytes in all, each with its end: it
// fails in any case, as the file is no program.
int Exec(Trace& trace, int garbage, const Limit& limit, std::int64_t bytes,
         int count) {
  static char* arguments[kArguments + 1];
  static char* environment[] = {nullptr};
  static volatile int error;
  for (int i = 0; i < count; ++i) {
    const std::int64_t length = bytes / count + (i < bytes % count ? 1 : 0);
    arguments[i] = text + sizeof text - length;
  }
  arguments[count] = nullptr;
  const rlimit stack{limit.stack == 0_B
                         ? RLIM_INFINITY
                         : static_cast<rlim_t>(limit.stack.count),
                     RLIM_INFINITY};
  const pid_t child = vfork();
  if (child == 0) {
    setrlimit(RLIMIT_STACK, &stack);
    syscall(SYS_execveat, garbage, "", arguments, environment, AT_EMPTY_PATH);
    error = errno;
    _exit(0);
  }
  if (child < 0) trace.Stop("vfork", errno);
  Reap(child);
  return error;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  std::memset(text, 'x', sizeof text - 1);
  const int garbage =
      static_cast<int>(syscall(SYS_memfd_create, "garbage", 0U));
  if (garbage < 0 || write(garbage, "garbage", 7) != 7) {
    trace.Stop("memfd", errno);
  }
  char name[48];
  // The kernel's name for the file is there beside them.
  const int file_name =
      std::snprintf(name, sizeof name, "/dev/fd/%d", garbage) + 1;
  for (const Limit& limit : kLimits) {
    const std::int64_t most =
        Largest(kMost.count - kArguments, [&](std::int64_t bytes) {
          return Exec(trace, garbage, limit, bytes + kArguments, kArguments) !=
                 E2BIG;
        });
    std::snprintf(name, sizeof name, "%s.bytes", limit.name);
    trace.Set(name, most + kArguments + file_name);
    std::snprintf(name, sizeof name, "%s.fits", limit.name);
    trace.Set(name, Exec(trace, garbage, limit, most + kArguments, kArguments));
  }
  const Limit none = {"", 0_B};
  trace.Set("one", Exec(trace, garbage, none, kLongest.count, 1));
  trace.Set("one_more", Exec(trace, garbage, none, kLongest.count + 1, 1));
  close(garbage);
}

Oracle Expect(const Params&, const Facts&) {
  Oracle all = Survives();
  for (const Limit& limit : kLimits) {
    const Bytes asked = limit.stack == 0_B ? kCeiling : limit.stack / 4;
    // bprm_stack_limits: the pointers to them count as well.
    const Bytes most =
        std::max(std::min(kCeiling, asked), kFloor) - Bytes{kArguments * 8};
    const std::string name = limit.name;
    all = AllOf(all, Size(name + ".bytes", Eq(most)),
                Count(name + ".fits", Eq(ENOEXEC)));
  }
  return AllOf(all, Count("one", Eq(ENOEXEC)), Count("one_more", Eq(E2BIG)));
}

const Register kExecArguments{
    {.id = "overcommit/exec_arguments",
     .summary = "arguments end at a quarter of RLIMIT_STACK, to the byte",
     .explains =
         {.claim = "Seed 2: what else may refuse a command; execve(2): limits "
                   "on size of arguments and environment",
          .deed = "bisects how long 64 arguments may be, with four limits of "
                  "the stack, by running what is no program",
          .functions = "bprm_stack_limits, copy_strings, count",
          .look_at =
              "<limit>.bytes is what fits, with each string's end and the "
              "file's name; "
              "<limit>.fits the errno then (8: ENOEXEC)"},
     .suite = Suite::kQuick,
     // A host may limit stacks, or what a memfd may be.
     .needs = {.alone = true},
     .subject = Subject,
     .expect = Expect,
     .metrics = {{.name = "default.bytes",
                  .better = Better::kHigher,
                  .unit = "bytes"}}}};

}  // namespace
}  // namespace oomgate
