// SPDX-License-Identifier: Apache-2.0
// Whether a place holds what an instance needs.
#include "cases/kit/needs.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace oomgate {
namespace {

Unmet No(const std::string& need, const std::string& have) {
  return {"needs " + need + ", has " + have, false};
}

// What a guest could have been given.
Unmet NotGiven(const std::string& need, const std::string& have) {
  return {No(need, have).reason, true};
}

Unmet UnmetSetting(const Setting& setting) {
  const std::string need = setting.path + " = " + setting.value;
  std::ifstream file(setting.path);
  std::string content;
  if (!std::getline(file, content)) {
    return No(need,
              std::string("no such setting (") + std::strerror(errno) + ")");
  }
  if (SettingHolds(content, setting.value)) return {};
  return NotGiven(need, content);
}

Bytes DiskSize() {
  const int disk = open(kScratchDisk, O_RDONLY | O_CLOEXEC);
  if (disk < 0) return {};
  const Bytes size{lseek(disk, 0, SEEK_END)};
  close(disk);
  return size;
}

Unmet UnmetLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur == RLIM_INFINITY) return {};
  return No("address space without limit (ulimit -v)",
            std::to_string(limit.rlim_cur) + " bytes");
}

}  // namespace

bool SettingHolds(std::string_view content, std::string_view value) {
  const std::size_t open = content.find('[');
  const std::size_t close = content.find(']');
  if (open != std::string_view::npos && close != std::string_view::npos &&
      open < close) {
    content = content.substr(open + 1, close - open - 1);
  }
  return content == value;
}

Unmet UnmetNeed(Blast blast, const Needs& needs, const Facts& facts,
                const BoxView& box) {
  if (blast > box.contains()) {
    return No(std::string("a place that contains a ") + ToText(blast),
              std::string("one that contains a ") + ToText(box.contains()));
  }
  // A machine is no substitute: the case is about its cgroup.
  if (blast == Blast::kCgroup && box.cgroup() == 0) {
    return No("a memory cgroup", "a kernel without that controller");
  }
  if (needs.alone && box.contains() != Blast::kMachine) {
    return No("a machine of its own", "a shared one");
  }
  if (needs.cgroup != 0 && box.cgroup() != needs.cgroup) {
    return No("cgroup v" + std::to_string(needs.cgroup),
              "v" + std::to_string(box.cgroup()));
  }
  // The kernel keeps some RAM to itself: MemTotal is less than what was asked.
  if (blast != Blast::kCgroup && facts.ram < needs.memory * 3 / 4) {
    return NotGiven(ToText(needs.memory) + " of RAM", ToText(facts.ram));
  }
  if (facts.swap + 16 * kPage < needs.swap) {
    return NotGiven(ToText(needs.swap) + " of swap", ToText(facts.swap));
  }
  if (needs.no_swap && facts.swap > 0_B) {
    return No("no swap", ToText(facts.swap));
  }
  if (facts.cpus < needs.cpus) {
    return NotGiven(std::to_string(needs.cpus) + " CPUs",
                    std::to_string(facts.cpus));
  }
  if (facts.nodes < needs.nodes) {
    return NotGiven(std::to_string(needs.nodes) + " NUMA nodes",
                    std::to_string(facts.nodes));
  }
  if (needs.kernel_log) {
    const int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (log < 0) return No("to read /dev/kmsg", std::strerror(errno));
    close(log);
  }
  if (needs.disk > 0_B) {
    const Bytes disk = DiskSize();
    if (disk < needs.disk) {
      return NotGiven("a scratch disk of " + ToText(needs.disk), ToText(disk));
    }
  }
  for (const Setting& knob : needs.box) {
    Unmet unmet = UnmetSetting({box.folder() + "/" + knob.path, knob.value});
    if (!unmet.reason.empty()) return unmet;
  }
  for (const Setting& setting : needs.settings) {
    Unmet unmet = UnmetSetting(setting);
    if (!unmet.reason.empty()) return unmet;
  }
  return UnmetLimit();
}

}  // namespace oomgate
