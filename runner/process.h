// SPDX-License-Identifier: Apache-2.0
// Child processes of the outside: started by Boost.Process, waited for by
// pidfd. A child dies with `oomgate`, also when that is killed by SIGKILL.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace oomgate {

struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment = {};  // on top of ours
  // Descriptors that the child gets: number in the child -> number here. All
  // others but 0, 1 and 2 are closed. Without an entry 0 is /dev/null, and 1
  // and 2 are inherited.
  std::map<int, int> descriptors = {};
};

class Child {
 public:
  // Throws HarnessError where the program cannot be started. The child gets
  // SIGKILL when the *thread* that made it ends: that thread must outlive it.
  explicit Child(const Command& command);
  // Kills (SIGKILL) and reaps what still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }  // readable once the child has ended

  // The wait(2) status, or nothing when `deadline` passes first (0: look only).
  std::optional<int> Wait(std::chrono::milliseconds deadline);
  void Kill(int signal);

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> status_;
};

struct Finished {
  int status = 0;  // wait(2) status
  bool deadline = false;
  std::string out;
  std::string err;
  bool ok() const { return !deadline && status == 0; }
};

// Runs a program to its end with both outputs captured. `descriptors` must not
// name 1 or 2.
Finished RunToEnd(Command command, std::chrono::milliseconds deadline);

// The file that `name` means in PATH; "" where there is none.
std::string FindProgram(const std::string& name);

}  // namespace oomgate
