// SPDX-License-Identifier: Apache-2.0
// Cases about oomgate itself that cost a whole guest: a panic and a hang of the
// kernel, told from each other, and memory that does not come back.
#include <fcntl.h>
#include <sched.h>
#include <sys/shm.h>
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

// Nobody's any more, and still there: a segment outlives its maker.
void Leak(Trace& trace, const Params&, const Facts&) {
  const int segment = shmget(IPC_PRIVATE, 4 << 20, IPC_CREAT | 0600);
  void* const at = segment < 0 ? nullptr : shmat(segment, nullptr, 0);
  if (at == nullptr) trace.Stop("shmget", errno);
  WritePages(trace, {.start = static_cast<char*>(at), .size = 4_MiB});
}

Oracle Expect(const Params&, const Facts&) { return Survives(); }

const Register kPanic{{.id = "meta/panic",
                       .summary = "is lost: the kernel panics",
                       .blast = Blast::kMachine,
                       .subject = Panic,
                       .expect = Expect,
                       .timeout_seconds = 2,
                       .meta = true}};

const Register kPromisedPanic{
    {.id = "meta/promised_panic",
     .summary = "passes: the kernel panics, with the words that were promised",
     .blast = Blast::kMachine,
     .subject = Panic,
     .expect = Expect,
     .panics = "sysrq triggered crash",
     .timeout_seconds = 2,
     .meta = true}};

const Register kOtherPanic{
    {.id = "meta/other_panic",
     .summary = "is lost: the kernel panics, but not as promised",
     .blast = Blast::kMachine,
     .subject = Panic,
     .expect = Expect,
     .panics = "out of memory",
     .timeout_seconds = 2,
     .meta = true}};

const Register kLeak{
    {.id = "meta/leak",
     .summary = "fails: its oracle holds, but memory does not come back",
     .blast = Blast::kMachine,
     .subject = Leak,
     .expect = Expect,
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
