// SPDX-License-Identifier: Apache-2.0
// How long the arguments of a command may be: a quarter of RLIMIT_STACK, but
// not less than 128 KiB nor more than 6 MiB, to the byte; beyond, E2BIG.
#include "cases/overcommit/exec.h"
#include "cases/overcommit/room.h"

namespace oomgate {
namespace {

constexpr int kArguments = 64;
// fs/exec.c, include/uapi/linux/{limits,binfmts}.h
constexpr Bytes kFloor = 128_KiB;       // ARG_MAX
constexpr Bytes kCeiling = 6_MiB;       // three quarters of _STK_LIM
constexpr Bytes kLongest = 32 * kPage;  // MAX_ARG_STRLEN, with its end

char text[kLongest.count + 2];

struct Command : Scene {
  int garbage = MakeMemfd(trace);

  void Write() const {
    std::memset(text, 'x', sizeof text - 1);
    Must(trace, "write", write(garbage, "garbage", 7));
  }
  // What exec says to arguments of that many bytes in all, each with its end,
  // and as many as any other: it fails in any case, as the file is no program.
  int Exec(Bytes stack, std::int64_t bytes, int count = kArguments) const {
    static char* arguments[kArguments + 1];
    for (int i = 0; i < count; ++i) {
      arguments[i] = std::end(text) - (bytes + i) / count;
    }
    arguments[count] = nullptr;
    return TryExec(trace, garbage, "", arguments,
                   [&] { Limit(trace, RLIMIT_STACK, stack); });
  }
};

StepOf<Command> FindsMost(const char* name, Bytes stack, Bytes asked) {
  // bprm_stack_limits: the pointers to them count as well.
  const Bytes most = std::clamp(asked, kFloor, kCeiling) - 8_B * kArguments;
  const auto find = [=](Command& s) {
    const std::int64_t fits =
        Largest(kArguments * kLongest.count, [&](std::int64_t bytes) {
          return bytes < kArguments || s.Exec(stack, bytes) != E2BIG;
        });
    // The kernel's name for the file is there beside them.
    s.Set("bytes",
          fits + std::snprintf(nullptr, 0, "/dev/fd/%d", s.garbage) + 1);
    return s.Exec(stack, fits);
  };
  return {name, find, Size("bytes", most), Refused(ENOEXEC)};
}

Steps<Command> Make(const Params&, const Facts&) {
  const auto one = [](Bytes size) {
    return [=](Command& s) { return s.Exec(kUnlimited, size.count, 1); };
  };
  return {{"write what is no program", &Command::Write},
          FindsMost("with a stack of 256 KiB", 256_KiB, 64_KiB),
          FindsMost("with a stack of 2 MiB", 2_MiB, 512_KiB),
          FindsMost("with the default stack", 8_MiB, 2_MiB),
          FindsMost("with an unlimited stack", kUnlimited, kCeiling),
          {"one argument, the longest", one(kLongest), Refused(ENOEXEC)},
          {"one argument, a byte longer", one(kLongest + 1_B), Refused(E2BIG)}};
}

const Register kExecArguments{
    {.id = "overcommit/exec_arguments",
     .summary = "arguments end at a quarter of RLIMIT_STACK, to the byte",
     .claim = "Seed 2: what else may refuse a command; execve(2): E2BIG",
     .functions = "bprm_stack_limits, copy_strings, count",
     .suite = Suite::kQuick,
     // A host may limit stacks, or what a memfd may be.
     .needs = {.alone = true},
     .steps = Make,
     .metrics = {Metric::Size("default.bytes", "with the default stack.bytes")
                     .HigherIsBetter()}}};

}  // namespace
}  // namespace oomgate
