// SPDX-License-Identifier: Apache-2.0
// Whether a place holds what an instance needs.
#include "cases/kit/needs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace oomgate {
namespace {

std::string Unmet(const std::string& need, const std::string& have) {
  return "needs " + need + ", has " + have;
}

std::string UnmetSetting(const Setting& setting) {
  std::ifstream file(setting.path);
  std::string content;
  if (!std::getline(file, content)) {
    return Unmet(setting.path + " = " + setting.value,
                 std::string("no such setting (") + std::strerror(errno) + ")");
  }
  if (SettingHolds(content, setting.value)) return "";
  return Unmet(setting.path + " = " + setting.value, content);
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

std::string UnmetNeed(Blast blast, const Needs& needs, const Facts& facts,
                      const BoxView& box) {
  if (blast > box.contains()) {
    return Unmet(std::string("a place that contains a ") + ToText(blast),
                 std::string("one that contains a ") + ToText(box.contains()));
  }
  // A machine is no substitute: the case is about its cgroup.
  if (blast == Blast::kCgroup && box.cgroup() == 0) {
    return Unmet("a memory cgroup", "a kernel without that controller");
  }
  if (needs.alone && box.contains() != Blast::kMachine) {
    return Unmet("a machine of its own", "a shared one");
  }
  if (needs.cgroup != 0 && box.cgroup() != needs.cgroup) {
    return Unmet("cgroup v" + std::to_string(needs.cgroup),
                 "v" + std::to_string(box.cgroup()));
  }
  // The kernel keeps some RAM to itself: MemTotal is less than what was asked.
  if (blast != Blast::kCgroup && facts.ram < needs.memory * 3 / 4) {
    return Unmet(ToText(needs.memory) + " of RAM", ToText(facts.ram));
  }
  if (facts.swap + 16 * kPage < needs.swap) {
    return Unmet(ToText(needs.swap) + " of swap", ToText(facts.swap));
  }
  if (facts.cpus < needs.cpus) {
    return Unmet(std::to_string(needs.cpus) + " CPUs",
                 std::to_string(facts.cpus));
  }
  if (facts.nodes < needs.nodes) {
    return Unmet(std::to_string(needs.nodes) + " NUMA nodes",
                 std::to_string(facts.nodes));
  }
  if (needs.kernel_log) {
    const int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (log < 0) return Unmet("to read /dev/kmsg", std::strerror(errno));
    close(log);
  }
  for (const Setting& setting : needs.settings) {
    std::string unmet = UnmetSetting(setting);
    if (!unmet.empty()) return unmet;
  }
  return "";
}

}  // namespace oomgate
