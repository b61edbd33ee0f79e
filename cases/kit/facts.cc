// SPDX-License-Identifier: Apache-2.0
// Collects the facts of a place.
#include "cases/kit/facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "oomgate/usage.h"

namespace oomgate {
namespace {

int Nodes() {
  int nodes = 0;
  for (;; ++nodes) {
    const std::string path =
        "/sys/devices/system/node/node" + std::to_string(nodes);
    if (access(path.c_str(), F_OK) != 0) break;
  }
  return nodes == 0 ? 1 : nodes;
}

// The outside says so on the kernel's command line.
int InstructionNanoseconds() {
  std::ifstream line("/proc/cmdline");
  constexpr std::string_view kWord = "oomgate.instruction_ns=";
  for (std::string word; line >> word;) {
    if (word.starts_with(kWord)) return std::atoi(&word[kWord.size()]);
  }
  return 0;
}

// "model name : QEMU TCG CPU version 2.5+"
bool IsEmulated() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name")) {
      return line.find("QEMU TCG") != std::string::npos;
    }
  }
  return false;
}

}  // namespace

KernelVersion KernelVersion::Of(const std::string& release) {
  KernelVersion version;
  if (std::sscanf(release.c_str(), "%d.%d", &version.major, &version.minor) !=
      2) {
    return {};
  }
  return version;
}

Bytes Facts::commit_slack() const {
  const std::int64_t batch =
      std::max<std::int64_t>({32, 2 * cpus, ram / kPage / 256 / cpus});
  return (cpus - 1) * (batch - 1) * kPage;
}

Facts CollectFacts(const BoxView& box) {
  Facts facts;
  facts.box = box.Limit();
  facts.ram = Meminfo("MemTotal");
  facts.swap = Meminfo("SwapTotal");
  facts.available = Meminfo("MemAvailable");
  facts.cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  facts.nodes = Nodes();
  facts.cgroup = box.cgroup();
  facts.box_folder = box.folder();
  utsname system = {};
  uname(&system);
  facts.kernel = KernelVersion::Of(system.release);
  facts.instruction_ns = InstructionNanoseconds();
  facts.emulated = IsEmulated();
  return facts;
}

}  // namespace oomgate
