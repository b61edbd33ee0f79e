// SPDX-License-Identifier: Apache-2.0
// Children of a subject, and what they may do.
#include "oomgate/process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstring>

namespace oomgate {

int TryFork() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  Reap(pid);
  return 0;
}

int TryVfork() {
  const pid_t pid = vfork();
  if (pid == 0) _exit(0);
  if (pid < 0) return errno;
  Reap(pid);
  return 0;
}

int Reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool EndsWithin(pid_t child, int milliseconds, int& status) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd ended{pidfd, POLLIN, 0};
  const bool over = poll(&ended, 1, milliseconds) == 1;
  close(pidfd);
  if (over) status = Reap(child);
  return over;
}

void EndChild(pid_t child) {
  kill(child, SIGKILL);
  Reap(child);
}

char ProcessState(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char text[64] = {};  // "123 (comm) S …"; comm is at most 15 characters
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  const char* const end = std::strrchr(text, ')');
  return end == nullptr || end[1] == '\0' ? '\0' : end[2];
}

Gate::Gate(Trace& trace) {
  if (pipe(ends_) != 0) trace.Stop("pipe", errno);
  // A pipe keeps the page of its first byte, charged to who wrote that: not to
  // a group that a case removes, which the page would keep alive up to 5.10.
  Open();
  Pass();
}

void Gate::Open() { (void)!write(ends_[1], "", 1); }

void Gate::Pass() {
  char byte = 0;
  while (read(ends_[0], &byte, 1) < 0 && errno == EINTR) {
  }
}

void RunOnCpu(Trace& trace, int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(cpu), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) {
    trace.Stop("sched_setaffinity", errno);
  }
}

void DropCapability(Trace& trace, int capability) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) trace.Stop("capget", errno);
  const unsigned bit = 1U << (capability % 32);
  data[capability / 32].effective &= ~bit;
  data[capability / 32].permitted &= ~bit;
  data[capability / 32].inheritable &= ~bit;
  if (syscall(SYS_capset, &header, data) != 0) trace.Stop("capset", errno);
}

}  // namespace oomgate
