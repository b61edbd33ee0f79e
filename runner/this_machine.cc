// SPDX-License-Identifier: Apache-2.0
// Reads /proc/meminfo and the list of NUMA nodes.
#include "runner/this_machine.h"

#include <sched.h>

#include <fstream>

#include "runner/launch/box.h"

namespace oomgate {
namespace {

int CountNodes(const std::filesystem::path& folder) {
  int nodes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("node") && name.size() > 4 &&
        name.find_first_not_of("0123456789", 4) == std::string::npos) {
      ++nodes;
    }
  }
  return nodes > 0 ? nodes : 1;
}

}  // namespace

Machine ReadMachine(const std::filesystem::path& root) {
  Machine machine;
  std::ifstream meminfo(root / "proc/meminfo");
  std::string name;
  std::string rest;
  std::int64_t kib = 0;
  while (meminfo >> name >> kib) {
    if (name == "MemTotal:") machine.memory = Bytes{kib * 1024};
    if (name == "MemAvailable:") machine.available = Bytes{kib * 1024};
    if (name == "SwapTotal:") machine.swap = Bytes{kib * 1024};
    std::getline(meminfo, rest);
  }
  cpu_set_t cpus;
  if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0) {
    machine.cpus = CPU_COUNT(&cpus);
  }
  machine.nodes = CountNodes(root / "sys/devices/system/node");
  if (const auto controller =
          FindMemoryController((root / "proc/self/mounts").string())) {
    machine.cgroup = controller->version;
  }
  return machine;
}

std::string FirstLine(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace oomgate
