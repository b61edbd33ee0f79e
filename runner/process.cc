// SPDX-License-Identifier: Apache-2.0
// The only file that includes Boost.Process. Version 1 starts children and
// nothing else here: its waits are unreliable, so a pidfd does the waiting.
#include "runner/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "runner/error.h"

namespace oomgate {
namespace {

namespace bp = boost::process;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds Left(steady_clock::time_point end) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(
                                       end - steady_clock::now()));
}

// Runs in the child, between fork and exec: async-signal-safe calls only.
struct InChild : bp::extend::handler {
  const std::map<int, int>& descriptors;
  pid_t parent = ::getpid();

  explicit InChild(const std::map<int, int>& d) : descriptors(d) {}

  template <typename Executor>
  void on_exec_setup(Executor&) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    // If this machine runs out of memory, they go before anybody else's.
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!::write(score, "800", 3);
    ::close(score);
    // Ctrl-C is for oomgate alone, which then ends its children in order.
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // First out of the way, then into place: a target may be a source too.
    std::array<std::pair<int, int>, 16> moved;
    std::size_t count = 0;
    int highest = 2;
    for (const auto& [child, ours] : descriptors) {
      highest = std::max(highest, child);
    }
    for (const auto& [child, ours] : descriptors) {
      if (count < moved.size()) {
        moved[count++] = {child, ::fcntl(ours, F_DUPFD, highest + 1)};
      }
    }
    if (!descriptors.contains(0)) {
      const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      ::dup2(null, 0);
    }
    for (std::size_t i = 0; i < count; ++i) {
      ::dup2(moved[i].second, moved[i].first);
      ::close(moved[i].second);
    }
    // All but ours and Boost's own error pipe, which closes itself.
    for (int fd = 3; fd <= highest; ++fd) {
      if (!descriptors.contains(fd)) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    ::syscall(SYS_close_range, static_cast<unsigned>(highest) + 1, ~0U,
              4U /* CLOSE_RANGE_CLOEXEC */);
  }
};

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw HarnessError(std::string("cannot make a pipe: ") +
                         std::strerror(errno));
    }
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    ::close(read);
    CloseWrite();
  }
  void CloseWrite() {
    if (write >= 0) ::close(write);
    write = -1;
  }
};

// Appends what is there; false at the end of the stream.
bool ReadSome(int fd, std::string& out) {
  char buffer[16384];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) out.append(buffer, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

}  // namespace

Child::Child(const Command& command) {
  const std::string program = FindProgram(command.argv.at(0));
  if (program.empty()) {
    throw HarnessError(command.argv[0] + ": not found in PATH");
  }
  bp::environment environment = boost::this_process::environment();
  for (const auto& [name, value] : command.environment) {
    environment[name] = value;
  }
  std::error_code error;
  bp::child child(bp::exe = program,
                  bp::args = std::vector<std::string>(command.argv.begin() + 1,
                                                      command.argv.end()),
                  bp::env = environment, error, InChild(command.descriptors));
  pid_ = child.id();
  child.detach();
  if (error) {
    // Boost leaves the child of a failed exec unreaped.
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    throw HarnessError("cannot start " + program + ": " + error.message());
  }
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) {
    const int cause = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw HarnessError(std::string("pidfd_open: ") + std::strerror(cause));
  }
}

Child::~Child() {
  if (!status_) {
    Kill(SIGKILL);
    Wait(milliseconds(-1));
  }
  if (pidfd_ >= 0) ::close(pidfd_);
}

std::optional<int> Child::Wait(milliseconds deadline) {
  if (status_) return status_;
  const auto end = steady_clock::now() + deadline;
  for (;;) {
    pollfd ended{pidfd_, POLLIN, 0};
    const int wait =
        deadline.count() < 0 ? -1 : static_cast<int>(Left(end).count());
    const int ready = ::poll(&ended, 1, wait);
    if (ready == 0) return std::nullopt;
    if (ready < 0 && errno == EINTR) continue;
    int status = 0;
    if (::waitpid(pid_, &status, 0) == pid_) status_ = status;
    return status_;
  }
}

void Child::Kill(int signal) {
  if (!status_) ::syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0);
}

Finished RunToEnd(Command command, milliseconds deadline) {
  Pipe out;
  Pipe err;
  command.descriptors[1] = out.write;
  command.descriptors[2] = err.write;
  Finished finished;
  const auto end = steady_clock::now() + deadline;
  Child child(command);
  out.CloseWrite();
  err.CloseWrite();
  bool out_open = true;
  bool err_open = true;
  while (out_open || err_open) {
    pollfd fds[] = {{out_open ? out.read : -1, POLLIN, 0},
                    {err_open ? err.read : -1, POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(Left(end).count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    if (fds[0].revents != 0) out_open = ReadSome(out.read, finished.out);
    if (fds[1].revents != 0) err_open = ReadSome(err.read, finished.err);
  }
  const std::optional<int> status = child.Wait(Left(end));
  finished.deadline = !status.has_value();
  finished.status = status.value_or(0);
  return finished;
}

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return ::access(name.c_str(), X_OK) == 0 ? name : "";
  }
  return bp::search_path(name).string();
}

}  // namespace oomgate
