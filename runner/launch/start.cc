// SPDX-License-Identifier: Apache-2.0
// The `start` record: what this machine is and how it is set.
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "oomgate/model/line.h"
#include "oomgate/model/run.h"
#include "runner/launch/file.h"
#include "runner/launch/judge.h"

namespace oomgate {
namespace {

constexpr const char* kSettings[] = {
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/overcommit_ratio",
    "/proc/sys/vm/overcommit_kbytes",
    "/proc/sys/vm/admin_reserve_kbytes",
    "/proc/sys/vm/user_reserve_kbytes",
    "/proc/sys/vm/min_free_kbytes",
    "/proc/sys/vm/swappiness",
    "/proc/sys/vm/panic_on_oom",
    "/proc/sys/vm/oom_kill_allocating_task",
    "/proc/sys/vm/nr_hugepages",
    "/proc/sys/kernel/randomize_va_space",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/defrag",
};

}  // namespace

std::string CpuModel() {
  const std::string info = ReadFile("/proc/cpuinfo");
  const std::size_t key = info.find("model name");
  if (key == std::string::npos) return "";
  const std::size_t value = info.find(": ", key);
  if (value == std::string::npos) return "";
  return info.substr(value + 2, info.find('\n', value) - value - 2);
}

namespace {

int OnlineNodes() {
  int nodes = 0;
  while (
      access(("/sys/devices/system/node/node" + std::to_string(nodes)).c_str(),
             F_OK) == 0) {
    ++nodes;
  }
  return nodes == 0 ? 1 : nodes;
}

}  // namespace

void EmitStart(const LineSink& sink, const std::vector<std::string>& shown) {
  utsname system = {};
  uname(&system);
  const std::string meminfo = ReadFile("/proc/meminfo");
  Line line("start");
  line.Number("schema", kSchema)
      .Text("kernel", system.release)
      .Text("version", system.version)
      .Text("command_line", ReadFile("/proc/cmdline"))
      .Text("cpu", CpuModel())
      .Text("taint", ReadFile("/proc/sys/kernel/tainted"))
      .Number("mem_total", 1024 * FieldOf(meminfo, "MemTotal"))
      .Number("swap_total", 1024 * FieldOf(meminfo, "SwapTotal"))
      .Number("cpus", sysconf(_SC_NPROCESSORS_ONLN))
      .Number("nodes", OnlineNodes());
  line.Object("settings");
  std::vector<std::string> paths(std::begin(kSettings), std::end(kSettings));
  for (const std::string& path : shown) {
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  }
  for (const std::string& path : paths) {
    const std::string value = ReadFile(path.c_str());
    if (!value.empty()) line.Text(path, value);
  }
  line.Close();
  sink(line.Done());
}

}  // namespace oomgate
