// SPDX-License-Identifier: Apache-2.0
// A process that outlives a SIGKILL of this one, and then removes what was in
// use: boxes, and the folder of the runs.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace oomgate {

class Guardian {
 public:
  // Forks: to be made while there is one thread. Throws HarnessError.
  explicit Guardian(const std::filesystem::path& scratch);
  // All is in order: it has nothing to do.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

 private:
  pid_t pid_ = -1;
  int end_ = -1;
};

}  // namespace oomgate
