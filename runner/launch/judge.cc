// SPDX-License-Identifier: Apache-2.0
// Runs one judge: spawn, forward its records, keep the deadline, clean up.
#include "runner/launch/judge.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "oomgate/model/line.h"
#include "runner/launch/box.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDying{5000};  // of a judge that was killed
constexpr int kMostReads = 64;        // of one pipe before the next look
constexpr int kRecordsFd = 3;
constexpr std::size_t kLongestLine = 128 << 10;
constexpr std::size_t kLastWords = 4096;

struct Pipe {
  int read = -1;
  int write = -1;
  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    fcntl(read, F_SETFL, O_NONBLOCK);
    return true;
  }
  void CloseWrite() {
    if (write >= 0) close(write);
    write = -1;
  }
  ~Pipe() {
    if (read >= 0) close(read);
    CloseWrite();
  }
};

// In the child of a fork in a process with threads: system calls only.
[[noreturn]] void BecomeJudge(char* const* argv, char* const* envp, int records,
                              int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Out of the way of 0-3 first: one may be another's target.
  records = fcntl(records, F_DUPFD, 10);
  log = fcntl(log, F_DUPFD, 10);
  const int null = open("/dev/null", O_RDONLY);
  if (null > 0) dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  dup2(records, kRecordsFd);
  syscall(SYS_close_range, kRecordsFd + 1, ~0U, 0);
  execve(argv[0], argv, envp);
  _exit(127);
}

// What arrives on the record pipe, cut into lines.
class Records {
 public:
  explicit Records(const LineSink& sink) : sink_(sink) {}

  void Feed(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        if (!partial_.empty()) Take();
        partial_.clear();
      } else if (partial_.size() < kLongestLine) {
        partial_ += c;
      }
    }
  }
  bool result_seen() const { return result_seen_; }

 private:
  void Take() {
    if (partial_.starts_with("{\"event\":\"result\"")) result_seen_ = true;
    sink_(partial_);
  }

  const LineSink& sink_;
  std::string partial_;
  bool result_seen_ = false;
};

// Reads what is there; false at the end of the stream.
template <typename Take>
bool Drain(int fd, Take take) {
  char buffer[4096];
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n > 0) {
      take(std::string_view(buffer, static_cast<std::size_t>(n)));
    } else if (n == 0) {
      return false;
    } else if (errno != EINTR) {
      return true;
    }
  }
  return true;
}

std::string DescribeEnd(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

void EmitLost(const InstanceName& name, std::string_view cause, bool broken,
              std::string_view log, const LineSink& sink) {
  Line line("lost");
  line.Text("id", name.id).Names("params", name.params);
  line.Text("cause", cause).Bool("broken", broken).Text("log", log);
  sink(line.Done());
}

struct Spawned {
  pid_t pid = -1;
  int pidfd = -1;
};

Spawned Spawn(const JudgeSetup& setup, const JudgeOrder& order,
              const std::string& box, const Pipe& records, const Pipe& log) {
  std::vector<std::string> words = JudgeWords(setup, order, box);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // Nothing of the caller's: GTEST_* would shard or filter behind our back.
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char* const envp[] = {path.data(), nullptr};

  const pid_t parent = getpid();
  Spawned judge;
  judge.pid = fork();
  if (judge.pid == 0) {
    BecomeJudge(argv.data(), envp, records.write, log.write, parent);
  }
  if (judge.pid > 0) {
    judge.pidfd = static_cast<int>(syscall(SYS_pidfd_open, judge.pid, 0));
  }
  return judge;
}

// Forwards until the judge ends, its time is up, or somebody cancels.
// The cause where it was us who ended it.
std::optional<std::string> Forward(const Spawned& judge, int cancel_fd,
                                   int seconds, Pipe& records_pipe,
                                   Pipe& log_pipe, Records& records,
                                   std::string& log) {
  const auto keep_log = [&log](std::string_view bytes) {
    log += bytes;
    if (log.size() > kLastWords) log.erase(0, log.size() - kLastWords);
  };
  const auto feed = [&records](std::string_view bytes) { records.Feed(bytes); };
  const auto end = steady_clock::now() + std::chrono::seconds(seconds);
  std::optional<std::string> cause;
  for (bool running = true; running;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    pollfd fds[] = {{judge.pidfd, POLLIN, 0},
                    {records_pipe.read, POLLIN, 0},
                    {log_pipe.read, POLLIN, 0},
                    {cancel_fd, POLLIN, 0}};
    const int ready =
        left.count() > 0 ? poll(fds, 4, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || fds[3].revents != 0) {
      cause = ready <= 0 ? "deadline" : "cancelled";
      running = false;
    }
    if (fds[0].revents != 0) running = false;
    if (!Drain(records_pipe.read, feed) && records_pipe.read >= 0) {
      close(records_pipe.read);  // closed early: do not spin on it
      records_pipe.read = -1;
    }
    if (!Drain(log_pipe.read, keep_log) && log_pipe.read >= 0) {
      close(log_pipe.read);
      log_pipe.read = -1;
    }
  }
  return cause;
}

}  // namespace

std::vector<std::string> JudgeWords(const JudgeSetup& setup,
                                    const JudgeOrder& order,
                                    const std::string& box) {
  std::vector<std::string> words = {
      setup.program, "--run=" + order.instance, "--box=" + box,
      "--timeout=" + std::to_string(order.timeout_seconds)};
  if (order.invert) words.emplace_back("--invert");
  if (!order.without.empty()) words.push_back("--without=" + order.without);
  if (setup.own_machine) words.emplace_back("--promised");
  return words;
}

void RunJudge(const JudgeSetup& setup, const JudgeOrder& order,
              const LineSink& sink) {
  const InstanceName name =
      ParseInstance(order.instance).value_or(InstanceName{order.instance, {}});
  Line begin("begin");
  begin.Text("id", name.id).Names("params", name.params);
  sink(begin.Done());

  std::string box = setup.own_machine ? "machine" : "process";
  std::unique_ptr<Box> cgroup;
  if (order.blast == Blast::kCgroup && setup.cgroup != 0) {
    std::string error;
    cgroup =
        std::make_unique<Box>(Controller{setup.cgroup, setup.cgroup_parent},
                              order.box, order.knobs, error);
    if (!error.empty()) return EmitLost(name, error, true, "", sink);
    box = "cgroup:" + cgroup->folder();
  }

  Pipe records_pipe;
  Pipe log_pipe;
  if (!records_pipe.Open() || !log_pipe.Open()) {
    return EmitLost(name, std::string("no pipe: ") + std::strerror(errno), true,
                    "", sink);
  }
  const Spawned judge = Spawn(setup, order, box, records_pipe, log_pipe);
  if (judge.pidfd < 0) {
    if (judge.pid > 0) {
      kill(judge.pid, SIGKILL);
      waitpid(judge.pid, nullptr, 0);
    }
    return EmitLost(name, std::string("no judge: ") + std::strerror(errno),
                    true, "", sink);
  }
  records_pipe.CloseWrite();
  log_pipe.CloseWrite();

  Records records(sink);
  std::string log;
  const std::optional<std::string> cause =
      Forward(judge, setup.cancel_fd, order.timeout_seconds + kJudgeSeconds,
              records_pipe, log_pipe, records, log);

  kill(-judge.pid, SIGKILL);  // its session: subjects and bystanders too
  kill(judge.pid, SIGKILL);
  // One that hangs in the kernel is left behind rather than waited for.
  pollfd dead{judge.pidfd, POLLIN, 0};
  poll(&dead, 1, static_cast<int>(kDying.count()));
  int status = SIGKILL;
  waitpid(judge.pid, &status, WNOHANG);
  close(judge.pidfd);
  cgroup.reset();
  if (records.result_seen()) return;
  const bool never_ran = WIFEXITED(status) && WEXITSTATUS(status) == 127;
  EmitLost(name, cause.value_or(DescribeEnd(status)), never_ran, log, sink);
}

}  // namespace oomgate
