// SPDX-License-Identifier: Apache-2.0
// It waits at a pipe: a byte is a farewell, the end of it without one a death.
#include "runner/validate/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "runner/cgroup/cgroup_backend.h"
#include "runner/cgroup/delegation.h"
#include "runner/error.h"

namespace oomgate {
namespace {

// The dead are looked for until they are reaped, too.
constexpr int kLooks = 20;
constexpr int kBetweenMs = 100;

[[noreturn]] void Watch(int pipe, const std::filesystem::path& scratch) {
  // What ends a whole terminal or session does not end it.
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(signal, SIG_IGN);
  }
  ::prctl(PR_SET_NAME, "oomgate-guard");
  char farewell = 0;
  ssize_t got = 0;
  do {
    got = ::read(pipe, &farewell, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) ::_exit(0);
  for (int look = 0; look < kLooks; ++look) {
    RemoveLeftovers();
    ::poll(nullptr, 0, kBetweenMs);
  }
  LeaveLeaf();
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  ::_exit(0);
}

}  // namespace

Guardian::Guardian(const std::filesystem::path& scratch) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw HarnessError(std::string("pipe: ") + std::strerror(errno));
  }
  pid_ = ::fork();
  if (pid_ < 0)
    throw HarnessError(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) {
    ::close(ends[1]);
    // Who reads what this program writes must not wait for it.
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      ::dup2(null, fd);
    }
    Watch(ends[0], scratch);
  }
  ::close(ends[0]);
  end_ = ends[1];
}

Guardian::~Guardian() {
  const char farewell = 'q';
  while (::write(end_, &farewell, 1) < 0 && errno == EINTR) {
  }
  ::close(end_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace oomgate
