// SPDX-License-Identifier: Apache-2.0
// Cases about oomgate itself that cost a whole guest: a panic and a hang of the
// kernel, told from each other, and memory that does not come back.
#include <sys/shm.h>

#include "oomgate/case.h"

namespace oomgate {
namespace {

void Panic(Trace& trace, const Params&, const Facts&) {
  const int fd =
      Must(trace, "sysrq-trigger", open("/proc/sysrq-trigger", O_WRONLY));
  Must(trace, "sysrq-trigger", write(fd, "c", 1));
  WaitForever();
}

// The only CPU is never given back: PID 1 and the judge starve.
void HogTheMachine(Trace& trace, const Params&, const Facts&) {
  const sched_param highest = {.sched_priority = 99};
  Must(trace, "sched_setscheduler",
       sched_setscheduler(0, SCHED_FIFO, &highest));
  for (;;) asm volatile("");
}

// Nobody's any more, and still there: a segment outlives its maker.
void Leak(Trace& trace, const Params&, const Facts&) {
  const int segment =
      Must(trace, "shmget", shmget(IPC_PRIVATE, 4 << 20, IPC_CREAT | 0600));
  void* const at = Must(trace, "shmat", shmat(segment, nullptr, 0));
  WritePages(trace, {.start = static_cast<char*>(at), .size = 4_MiB});
}

Oracle Expect(const Params&, const Facts&) { return Survives(); }

Case Meta(const char* id, const char* summary, Deed subject,
          const char* panics = "") {
  return {.id = id,
          .summary = summary,
          .blast = Blast::kMachine,
          .subject = subject,
          .expect = Expect,
          .panics = panics,
          .timeout_seconds = 2,
          .meta = true};
}

const Register kPanic{Meta("meta/panic", "is lost: the kernel panics", Panic)};
const Register kPromisedPanic{
    Meta("meta/promised_panic",
         "passes: the kernel panics, with the words that were promised", Panic,
         "sysrq triggered crash")};
const Register kOtherPanic{
    Meta("meta/other_panic", "is lost: the kernel panics, but not as promised",
         Panic, "out of memory")};

const Register kLeak{[] {
  Case meta =
      Meta("meta/leak",
           "fails: its oracle holds, but memory does not come back", Leak);
  meta.timeout_seconds = 30;
  return meta;
}()};

const Register kHangMachine{[] {
  Case meta =
      Meta("meta/hang_machine",
           "is lost: the kernel schedules nobody else any more", HogTheMachine);
  meta.needs.settings = {{"/proc/sys/kernel/sched_rt_runtime_us", "-1"}};
  return meta;
}()};

}  // namespace
}  // namespace oomgate
