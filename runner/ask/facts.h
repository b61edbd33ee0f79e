// SPDX-License-Identifier: Apache-2.0
// What the kernel says of memory promised and used: what answers are computed
// from. Sizes in bytes; the kernel counts pages of 4 KiB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/units.h"

namespace oomgate {

struct MemoryFacts {
  int mode = 0;  // vm.overcommit_memory
  int cpus = 1;
  Bytes ram = {};        // MemTotal
  Bytes swap = {};       // SwapTotal
  Bytes available = {};  // MemAvailable
  Bytes swap_free = {};
  Bytes commit_limit = {};
  Bytes committed = {};      // Committed_AS
  Bytes admin_reserve = {};  // vm.admin_reserve_kbytes
  Bytes user_reserve = {};
  int panic_on_oom = 0;
  int kill_allocating_task = 0;
  bool old_heuristic = false;  // of mode 0, before Linux 5.2
};

struct ProcessFacts {
  int pid = 0;
  std::string name = {};
  bool kernel_thread = false;  // has no memory of its own
  int oom_score_adj = 0;
  std::optional<std::int64_t> oom_score = {};  // the kernel's own number
  Bytes rss = {};
  Bytes swap = {};
  Bytes page_tables = {};
  Bytes address_space = {};  // VmSize
  Bytes data = {};           // VmData + VmStk: about what fork is charged for
  // From smaps, where it may be read: mappings that are charged, exactly.
  std::optional<Bytes> charged = {};
  std::optional<Bytes> largest_charged = {};
};

// `root` stands for "/" in tests. Throws HarnessError where /proc is not there.
MemoryFacts ReadMemoryFacts(const std::filesystem::path& root = "/");
// Nothing where there is no such process (any more).
std::optional<ProcessFacts> ReadProcessFacts(
    int pid, bool smaps, const std::filesystem::path& root = "/");
std::vector<ProcessFacts> ReadAllProcesses(
    const std::filesystem::path& root = "/");

}  // namespace oomgate
