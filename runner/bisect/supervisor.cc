// SPDX-License-Identifier: Apache-2.0
// Waits by sigtimedwait(2): no handler, and nothing to fail while it waits.
#include "runner/bisect/supervisor.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

namespace oomgate {
namespace {

constexpr int kCannotTell = 125;
constexpr int kSecondsToEnd = 30;

// All that would end us; stopping and going on stay a terminal's business.
sigset_t Watched() {
  sigset_t set;
  sigfillset(&set);
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS,
                           SIGILL, SIGFPE, SIGWINCH, SIGURG}) {
    sigdelset(&set, signal);
  }
  // Ignored on purpose: by nohup, or a shell's background. Blocked, it would
  // come through.
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 &&
        action.sa_handler == SIG_IGN) {
      sigdelset(&set, signal);
    }
  }
  return set;
}

bool SetScore(int score) {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const std::string text = std::to_string(score);
  const bool set = write(file, text.data(), text.size()) ==
                   static_cast<ssize_t>(text.size());
  close(file);
  return set;
}

// Without CAP_SYS_RESOURCE a score cannot go below where it once was put: as
// low as may be.
void AvoidOomKiller() {
  constexpr int kNever = -1000;
  for (int score = kNever; score <= 0 && !SetScore(score); score += 100) {
  }
}

void Say(const char* text) {
  std::fputs(text, stderr);
  std::fflush(stderr);
}

// What killed work left running would write into the tree of the next step. It
// is ours since its parent died, and each one's children are when it is killed.
void EndOrphans() {
  const std::string file =
      "/proc/self/task/" + std::to_string(getpid()) + "/children";
  for (int left = 1000; left > 0; --left) {
    pid_t child = 0;
    std::ifstream children(file);
    while (children >> child) kill(child, SIGKILL);
    if (waitpid(-1, nullptr, 0) < 0) return;
  }
}

[[noreturn]] void Work(const std::function<int()>& work, pid_t parent,
                       const sigset_t& mask) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kStopBisect);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int code = work();
  std::fflush(nullptr);
  _exit(code);
}

}  // namespace

int StepExit(int status, bool told_to_end) {
  if (told_to_end) return kStopBisect;
  if (WIFSIGNALED(status)) {
    return WTERMSIG(status) == SIGKILL ? kCannotTell : kStopBisect;
  }
  const int code = WEXITSTATUS(status);
  return code == 0 || code == 1 || code == kCannotTell ? code : kStopBisect;
}

int Supervised(const std::function<int()>& work) {
  std::signal(SIGCHLD, SIG_DFL);  // ignored, it would leave nothing to wait for
  const sigset_t watched = Watched();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &watched, &before);
  const pid_t parent = getpid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t worker = fork();
  if (worker < 0) {
    Say("bisect: stop: no process can be started: free some memory\n");
    return kStopBisect;
  }
  if (worker == 0) Work(work, parent, before);
  AvoidOomKiller();
  bool told = false;
  for (;;) {
    const timespec patience{.tv_sec = kSecondsToEnd, .tv_nsec = 0};
    siginfo_t info;
    const int signal =
        sigtimedwait(&watched, &info, told ? &patience : nullptr);
    if (signal < 0) {
      if (errno == EAGAIN) kill(worker, SIGKILL);
      continue;
    }
    if (signal == SIGCHLD) {
      int status = 0;
      if (waitpid(worker, &status, WNOHANG) != worker) continue;
      if (WIFSIGNALED(status)) EndOrphans();
      if (WIFSIGNALED(status) && !told) {
        Say(WTERMSIG(status) == SIGKILL
                ? "bisect: skip: the step was killed (out of memory?)\n"
                : "bisect: stop: the step crashed: a defect of oomgate\n");
      }
      return StepExit(status, told);
    }
    if (signal == SIGPIPE) continue;
    told = true;
    kill(worker, signal == SIGINT || signal == SIGHUP ? signal : SIGTERM);
  }
}

}  // namespace oomgate
