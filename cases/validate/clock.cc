// SPDX-License-Identifier: Apache-2.0
// Whether asking for the time stays in user space here: a slow clock source
// makes each question a system call, and the kernel's to answer.
#include "oomgate/case.h"
#include "oomgate/stopwatch.h"

namespace oomgate {
namespace {

constexpr std::int64_t kAsks = 300'000'000;  // nanoseconds
constexpr int kMostPercent = 10;             // redis: syscheck.c

std::int64_t Micros(const timeval& time) {
  return time.tv_sec * std::int64_t{1'000'000} + time.tv_usec;
}

void Subject(Trace& trace, const Params&, const Facts&) {
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_SELF, &before);
  const Stopwatch watch;
  std::int64_t calls = 1;
  while (watch.Nanoseconds() < kAsks) ++calls;
  getrusage(RUSAGE_SELF, &after);
  const std::int64_t user = Micros(after.ru_utime) - Micros(before.ru_utime);
  const std::int64_t system = Micros(after.ru_stime) - Micros(before.ru_stime);
  trace.Set("calls", calls);
  trace.Set("system_percent",
            100 * system / std::max<std::int64_t>(user + system, 1));
}

Oracle Expect(const Params&, const Facts&) {
  return AllOf(Survives(), Count("system_percent", Le(kMostPercent)));
}

const Register kClock{
    {.id = "validate/clock",
     .summary = "asking for the time takes no system calls",
     .claim = "redis-server --check-system: at most 10 % system time in a loop "
              "of clock_gettime",
     .deed = "asks for the time during 0.3 s",
     .functions = "__vdso_clock_gettime, vdso_clock_mode of the clocksource",
     .subject = Subject,
     .expect = Expect,
     .meta = true}};  // only validation asks

}  // namespace
}  // namespace oomgate
