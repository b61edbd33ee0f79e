// SPDX-License-Identifier: Apache-2.0
// How long the arguments of a command may be: a quarter of RLIMIT_STACK, but
// not less than 128 KiB nor more than 6 MiB, to the byte; beyond, E2BIG.
#include "oomgate/case.h"

namespace oomgate {
namespace {

constexpr int kArguments = 64;
// fs/exec.c, include/uapi/linux/{limits,binfmts}.h
constexpr Bytes kFloor = 128_KiB;       // ARG_MAX
constexpr Bytes kCeiling = 6_MiB;       // three quarters of _STK_LIM
constexpr Bytes kLongest = 32 * kPage;  // MAX_ARG_STRLEN, with its end
constexpr Bytes kMost = kArguments * kLongest;

char text[kLongest.count + 2];

struct Command : Scene {
  int garbage = MakeMemfd(trace);

  void Write() const {
    std::memset(text, 'x', sizeof text - 1);
    Must(trace, "write", write(garbage, "garbage", 7));
  }
  // What exec says to arguments of that many bytes in all, each with its end:
  // it fails in any case, as the file is no program.
  int Exec(rlim_t stack, std::int64_t bytes, int count = kArguments) const {
    static char* arguments[kArguments + 1];
    static char* environment[] = {nullptr};
    static volatile int error;
    for (int i = 0; i < count; ++i) {
      const std::int64_t length = bytes / count + (i < bytes % count ? 1 : 0);
      arguments[i] = text + sizeof text - length;
    }
    arguments[count] = nullptr;
    const rlimit limit{stack, RLIM_INFINITY};
    const pid_t child = vfork();
    if (child == 0) {
      setrlimit(RLIMIT_STACK, &limit);
      syscall(SYS_execveat, garbage, "", arguments, environment, AT_EMPTY_PATH);
      error = errno;
      _exit(0);
    }
    Reap(Must(trace, "vfork", child));
    return error;
  }
};

StepOf<Command> FindsMost(const char* name, rlim_t stack, Bytes asked) {
  // bprm_stack_limits: the pointers to them count as well.
  const Bytes most = std::clamp(asked, kFloor, kCeiling) - 8_B * kArguments;
  const auto find = [=](Command& s) {
    const std::int64_t fits =
        kArguments + Largest(kMost.count - kArguments, [&](std::int64_t bytes) {
          return s.Exec(stack, bytes + kArguments) != E2BIG;
        });
    // The kernel's name for the file is there beside them.
    char file[48];
    s.Set("bytes",
          fits + std::snprintf(file, sizeof file, "/dev/fd/%d", s.garbage) + 1);
    return s.Exec(stack, fits);
  };
  return {name, find, Size("bytes", most), Refused(ENOEXEC)};
}

Steps<Command> Make(const Params&, const Facts&) {
  const auto one = [](Bytes size) {
    return [=](Command& s) { return s.Exec(RLIM_INFINITY, size.count, 1); };
  };
  return {
      {"write what is no program", &Command::Write},
      FindsMost("with a stack of 256 KiB", 256 << 10, 64_KiB),
      FindsMost("with a stack of 2 MiB", 2 << 20, 512_KiB),
      FindsMost("with the default stack", 8 << 20, 2_MiB),
      FindsMost("with an unlimited stack", RLIM_INFINITY, kCeiling),
      {"one argument, the longest", one(kLongest), Refused(ENOEXEC)},
      {"one argument, a byte longer", one(kLongest + 1_B), Refused(E2BIG)},
  };
}

const Register kExecArguments{
    {.id = "overcommit/exec_arguments",
     .summary = "arguments end at a quarter of RLIMIT_STACK, to the byte",
     .claim = "Seed 2: what else may refuse a command; execve(2): limits on "
              "size of arguments and environment",
     .functions = "bprm_stack_limits, copy_strings, count",
     .look_at = "bytes: what fits of 64 arguments, with each string's end and "
                "the file's name",
     .suite = Suite::kQuick,
     // A host may limit stacks, or what a memfd may be.
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Size("default.bytes", "with the default stack.bytes")
                     .HigherIsBetter()}}};

}  // namespace
}  // namespace oomgate
