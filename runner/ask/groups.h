// SPDX-License-Identifier: Apache-2.0
// What the cgroups of a process limit: where a fork fails for another reason
// than overcommit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace oomgate {

// A limit, and what counts against it.
struct GroupLimit {
  std::string group = {};  // its folder
  std::int64_t limit = 0;
  std::int64_t used = 0;
  std::int64_t reclaimable = 0;  // of what is used: file pages
  std::int64_t left() const { return limit - used + reclaimable; }
};

// Of its own group and all above it those that have the least left; nothing
// where none limits it.
struct GroupFacts {
  std::optional<GroupLimit> pids = {};    // processes and threads
  std::optional<GroupLimit> memory = {};  // bytes
};

// Of cgroup v1 or v2; pid 0 is the caller. `root` stands for "/" in tests.
GroupFacts ReadGroupFacts(int pid, const std::filesystem::path& root = "/");

}  // namespace oomgate
