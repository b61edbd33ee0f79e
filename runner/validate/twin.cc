// SPDX-License-Identifier: Apache-2.0
// What of a host goes into its twin's command line and shape, and what does
// not: said, line by line.
#include "runner/validate/twin.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "runner/this_machine.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// Settings that are the same whatever the size of the machine.
constexpr const char* kSettings[] = {
    "overcommit_memory", "overcommit_ratio", "panic_on_oom",
    "swappiness",        "max_map_count",    "oom_kill_allocating_task",
    "zone_reclaim_mode", "page-cluster",     "vfs_cache_pressure"};
// Amounts of memory: the same part of it.
constexpr const char* kAmounts[] = {"overcommit_kbytes", "admin_reserve_kbytes",
                                    "user_reserve_kbytes"};
constexpr const char* kWords[] = {
    "transparent_hugepage=", "numa=",         "numa_balancing=", "swapaccount=",
    "init_on_alloc=",        "init_on_free=", "cgroup.memory="};
constexpr const char* kThp = "sys/kernel/mm/transparent_hugepage/enabled";

// "6.12.3-x" -> 6, 12.
std::pair<int, int> Version(const std::string& release) {
  std::istringstream in(release);
  int major = 0;
  int minor = 0;
  char dot = 0;
  in >> major >> dot >> minor;
  return {major, minor};
}

std::string Nearest(const std::vector<std::string>& releases,
                    const std::string& wanted) {
  std::string nearest;
  for (const std::string& release : releases) {  // oldest first
    if (nearest.empty() || Version(release) <= Version(wanted)) {
      nearest = release;
    }
  }
  return nearest;
}

void ChooseKernel(Twin& twin, const std::vector<std::string>& releases,
                  const fs::path& root) {
  const std::string release = FirstLine(root / "proc/sys/kernel/osrelease");
  const fs::path image = root / "boot" / ("vmlinuz-" + release);
  if (::access(image.c_str(), R_OK) == 0) {
    twin.kernel = image.string();
    return;
  }
  twin.kernel = Nearest(releases, release);
  if (twin.kernel == release) return;
  twin.scaled.push_back(
      fmt::format("kernel: {} cannot be read; {} instead of {}", image.string(),
                  twin.kernel, release));
}

}  // namespace

Twin TwinOf(const std::vector<std::string>& releases, Bytes memory,
            const fs::path& root) {
  Twin twin;
  ChooseKernel(twin, releases, root);
  const Machine machine = ReadMachine(root);
  const Bytes size = std::min(memory, machine.memory);
  const double part = static_cast<double>(size.count) /
                      static_cast<double>(machine.memory.count);
  const auto mib = [](Bytes bytes) { return bytes / 1_MiB; };
  const auto scaled = [part](std::int64_t count) {
    return static_cast<std::int64_t>(static_cast<double>(count) * part);
  };
  twin.memory = fmt::format("{}m", mib(size));
  twin.scaled.push_back(
      fmt::format("RAM: {}m instead of {}m", mib(size), mib(machine.memory)));
  const std::int64_t swap = mib(Bytes{scaled(machine.swap.count)});
  if (swap > 0) {
    twin.swap = fmt::format("{}m", swap);
    twin.scaled.push_back(
        fmt::format("swap: {}m instead of {}m", swap, mib(machine.swap)));
  }
  twin.nodes = std::min(machine.nodes, 4);
  if (machine.nodes > twin.nodes) {
    twin.scaled.push_back(
        fmt::format("NUMA: {} nodes instead of {}", twin.nodes, machine.nodes));
  }
  twin.scaled.push_back("NUMA: distances and sizes of nodes are not copied");

  if (machine.cgroup == 1) {
    twin.scaled.push_back("cgroup v1: v2 where the twin's kernel has no v1");
  }

  std::vector<std::string> words;
  std::istringstream line(FirstLine(root / "proc/cmdline"));
  for (std::string word; line >> word;) {
    for (const char* wanted : kWords) {
      if (word.starts_with(wanted)) words.push_back(word);
    }
  }
  // What is in force now counts more than what was booted with.
  const std::string thp = FirstLine(root / kThp);
  if (const std::size_t open = thp.find('['); open != std::string::npos) {
    words.push_back("transparent_hugepage=" +
                    thp.substr(open + 1, thp.find(']') - open - 1));
  }
  const auto add = [&](const char* name, const std::string& value) {
    words.push_back(fmt::format("sysctl.vm.{}={}", name, value));
  };
  for (const char* name : kSettings) {
    const std::string value = FirstLine(root / "proc/sys/vm" / name);
    // Either of ratio and kbytes is 0 where the other counts.
    const bool other = value == "0" && std::string(name) == "overcommit_ratio";
    if (!value.empty() && !other) add(name, value);
  }
  for (const char* name : kAmounts) {
    const std::string value = FirstLine(root / "proc/sys/vm" / name);
    if (value.empty() || value == "0") continue;
    add(name, std::to_string(scaled(std::stoll(value))));
    twin.scaled.push_back(fmt::format("{}: {} instead of {}", name,
                                      scaled(std::stoll(value)), value));
  }
  twin.scaled.push_back(
      "min_free_kbytes, watermarks: as the kernel chooses for that RAM");
  for (const std::string& word : words) {
    twin.append += (twin.append.empty() ? "" : " ") + word;
  }
  return twin;
}

}  // namespace oomgate
