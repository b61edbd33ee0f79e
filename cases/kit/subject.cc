// SPDX-License-Identifier: Apache-2.0
// Processes that do deeds: starting, watching, ending them.
#include "cases/kit/subject.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "cases/kit/code.h"
#include "cases/kit/own_pages.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSamplePeriod{50};
constexpr std::size_t kMostSamples = 256;
// Within what the launcher allows a judge beyond its subject.
constexpr milliseconds kPrepareDeadline{15000};
constexpr int kDyingGrace = 100;  // milliseconds

bool SetScore(int adj) {
  char text[16];
  const int length = std::snprintf(text, sizeof text, "%d", adj);
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const bool set = write(fd, text, static_cast<std::size_t>(length)) == length;
  close(fd);
  return set;
}

// Forks a process that enters the box and runs `body`.
pid_t Start(const char* name, const BoxView& box, int adj, Trace& trace,
            int keep_fd, const std::function<void()>& body) {
  const pid_t judge = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != judge) _exit(1);
  prctl(PR_SET_NAME, name);
  // First: what is unkillable in a full box spins there for ever.
  if (!SetScore(adj)) trace.Stop("setting oom_score_adj", errno);
  if (!box.Enter()) trace.Stop("entering the box", errno);
  if (keep_fd >= 0) keep_fd = dup2(keep_fd, 3);
  syscall(SYS_close_range, keep_fd >= 0 ? 4U : 3U, ~0U, 0);
  DropCode();
  OwnPages();
  // Twice, so that no later reading faults in a page of its own.
  for (int i = 0; i < 2; ++i) {
    ReadUsage();
    ReadMapping({});
  }
  trace.MakePresent();
  trace.Set("entered", 1);
  body();
  _exit(0);
}

Bytes FieldOf(const char* status, const char* key) {
  const char* at = std::strstr(status, key);
  if (at == nullptr) return {};
  return std::strtoll(at + std::strlen(key), nullptr, 10) * 1_KiB;
}

// SIGKILL has been sent, and it is not gone yet.
bool IsDying(const char* status) {
  for (const char* field : {"SigPnd:", "ShdPnd:"}) {
    const char* const at = std::strstr(status, field);
    if (at == nullptr) continue;
    const auto pending = std::strtoull(at + std::strlen(field), nullptr, 16);
    if ((pending >> (SIGKILL - 1) & 1) != 0) return true;
  }
  return false;
}

// Looks at a process again and again; the folder of samples stays bounded by
// dropping every second one and looking half as often.
class Sampler {
 public:
  Sampler(pid_t pid, const BoxView& box)
      : box_(box), start_(steady_clock::now()) {
    const std::string path = "/proc/" + std::to_string(pid) + "/status";
    fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    samples_.resize(kMostSamples);  // touched now, not when the box is full
    samples_.clear();
  }
  ~Sampler() { close(fd_); }
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  milliseconds period() const { return period_; }
  void Look() {
    char status[4096] = {};  // all of it is ours from the first look on
    const ssize_t n = pread(fd_, status, sizeof status - 1, 0);
    if (n <= 0) return;
    status[n] = '\0';
    if (std::strstr(status, "VmRSS:") == nullptr) return;  // has no memory left
    // The kernel may have reaped it already, and no more to give before it is
    // gone: for a file that is opened now somebody else would be killed.
    if (IsDying(status)) return;
    if (samples_.size() == kMostSamples) Thin();
    samples_.push_back(
        {std::chrono::duration_cast<milliseconds>(steady_clock::now() - start_)
             .count(),
         FieldOf(status, "VmRSS:"), FieldOf(status, "VmPTE:"), box_.Free(),
         box_.OomKills()});
  }
  std::vector<Sample> Take() { return std::move(samples_); }

 private:
  void Thin() {
    for (std::size_t i = 0; i < kMostSamples / 2; ++i) {
      samples_[i] = samples_[2 * i];
    }
    samples_.resize(kMostSamples / 2);
    period_ *= 2;
  }

  const BoxView& box_;
  int fd_ = -1;
  steady_clock::time_point start_;
  milliseconds period_ = kSamplePeriod;
  std::vector<Sample> samples_;
};

}  // namespace

SubjectEnd RunSubject(const Case& definition, const BoxView& box, Trace& trace,
                      const std::function<void(Trace&)>& play) {
  SubjectEnd end;
  int watched[2];
  if (pipe2(watched, O_CLOEXEC) != 0) {
    end.broken = std::string("no pipe: ") + std::strerror(errno);
    return end;
  }
  const pid_t pid = Start(kSubjectName, box, definition.oom_score_adj, trace,
                          watched[0], [&] {
                            char none = 0;
                            (void)!read(3, &none, 1);
                            close(3);
                            play(trace);
                          });
  close(watched[0]);
  if (pid < 0) {
    end.broken = std::string("cannot fork a subject: ") + std::strerror(errno);
    close(watched[1]);
    return end;
  }
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    end.broken = std::string("no pidfd: ") + std::strerror(errno);
    close(watched[1]);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return end;
  }
  const auto until =
      steady_clock::now() + std::chrono::seconds(definition.timeout_seconds);
  Sampler sampler(pid, box);
  // Whoever writes a page that is shared since the fork gets a page of its own:
  // ours are made now, and not while the subject counts the machine's.
  OwnPages();
  sampler.Look();
  close(watched[1]);  // lets the subject go
  for (;;) {
    pollfd ended{pidfd, POLLIN, 0};
    if (poll(&ended, 1, static_cast<int>(sampler.period().count())) > 0) break;
    if (steady_clock::now() >= until) {
      end.deadline = true;
      kill(pid, SIGKILL);
      break;
    }
    sampler.Look();
  }
  rusage usage = {};
  while (wait4(pid, &end.status, 0, &usage) < 0 && errno == EINTR) {
  }
  close(pidfd);
  end.peak_rss = usage.ru_maxrss * 1_KiB;
  end.samples = sampler.Take();
  if (trace.Values().count("entered") == 0) {
    end.broken = "the subject did not start: " + trace.Stopped();
  }
  return end;
}

BystanderProcess::BystanderProcess(const Bystander& bystander,
                                   const Params& params, const Facts& facts,
                                   const BoxView& box)
    : name_(bystander.name), trace_(Trace::Share()) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) {
    broken_ = name_ + ": no pipe";
    return;
  }
  pid_ = Start(kBystanderName, bystander.in_box ? box : BoxView("process"),
               bystander.oom_score_adj, *trace_, ready[1], [&] {
                 bystander.prepare(*trace_, params, facts);
                 (void)!write(3, "", 1);
                 WaitForever();
               });
  close(ready[1]);
  pollfd prepared{ready[0], POLLIN, 0};
  char byte = 0;
  if (pid_ < 0 ||
      poll(&prepared, 1, static_cast<int>(kPrepareDeadline.count())) != 1 ||
      read(ready[0], &byte, 1) != 1) {
    broken_ = "the bystander " + name_ + " was not prepared: " +
              (trace_->Stopped().empty() ? "it ended" : trace_->Stopped());
  }
  close(ready[0]);
}

BystanderProcess::~BystanderProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Trace::Release(trace_);
}

bool BystanderProcess::Lives() {
  if (pid_ <= 0) return false;
  // One that was just killed takes a moment to die.
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended{pidfd, POLLIN, 0};
  const bool lives = poll(&ended, 1, kDyingGrace) == 0;
  close(pidfd);
  if (!lives) {
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  return lives;
}

}  // namespace oomgate
