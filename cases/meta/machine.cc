// SPDX-License-Identifier: Apache-2.0
// Cases about oomgate itself that take a whole guest down: a panic and a hang
// of the kernel are lost, told from each other, and the run goes on.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "oomgate/case.h"

namespace oomgate {
namespace {

void Panic(Trace& trace, const Params&, const Facts&) {
  const int fd = open("/proc/sysrq-trigger", O_WRONLY);
  if (fd < 0 || write(fd, "c", 1) != 1) trace.Stop("sysrq-trigger", errno);
  WaitForever();
}

// The only CPU is never given back: PID 1 and the judge starve.
void HogTheMachine(Trace& trace, const Params&, const Facts&) {
  const sched_param highest = {.sched_priority = 99};
  if (sched_setscheduler(0, SCHED_FIFO, &highest) != 0) {
    trace.Stop("sched_setscheduler", errno);
  }
  for (;;) asm volatile("");
}

Oracle Expect(const Params&, const Facts&) { return Survives(); }

const Register kPanic{{.id = "meta/panic",
                       .summary = "is lost: the kernel panics",
                       .blast = Blast::kMachine,
                       .subject = Panic,
                       .expect = Expect,
                       .timeout_seconds = 2,
                       .meta = true}};

const Register kHangMachine{
    {.id = "meta/hang_machine",
     .summary = "is lost: the kernel schedules nobody else any more",
     .blast = Blast::kMachine,
     .needs = {.settings = {{"/proc/sys/kernel/sched_rt_runtime_us", "-1"}}},
     .subject = HogTheMachine,
     .expect = Expect,
     .timeout_seconds = 2,
     .meta = true}};

}  // namespace
}  // namespace oomgate
