// SPDX-License-Identifier: Apache-2.0
// The box that a cgroup case exhausts: making, removing, sweeping.
#include "runner/launch/box.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runner/launch/file.h"

namespace oomgate {
namespace {

constexpr const char* kPrefix = "oomgate-";

// Field 22 of /proc/<pid>/stat: with the pid it names one process for good.
std::string StartTime(long pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  std::size_t at = stat.rfind(')');
  if (at == std::string::npos) return "";
  for (int field = 2; field < 22; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string::npos) return "";
  }
  return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

void KillMembers(const std::string& folder) {
  const std::string members = ReadFile(folder + "/cgroup.procs");
  const char* at = members.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return;
    if (pid > 1) kill(static_cast<pid_t>(pid), SIGKILL);
    at = end;
  }
}

bool Remove(const std::string& folder);

// What a subject made below its box and had no time to remove.
void RemoveChildren(const std::string& folder) {
  DIR* children = opendir(folder.c_str());
  if (children == nullptr) return;
  while (const dirent* entry = readdir(children)) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
      Remove(folder + "/" + entry->d_name);
    }
  }
  closedir(children);
}

// A group can be removed once the last member is reaped and uncharged.
bool Remove(const std::string& folder) {
  for (int i = 0; i < 500; ++i) {
    if (rmdir(folder.c_str()) == 0 || errno == ENOENT) return true;
    KillMembers(folder);
    RemoveChildren(folder);
    poll(nullptr, 0, 10);
  }
  return false;
}

bool LimitSwap(const Controller& controller, const std::string& folder,
               const std::string& limit) {
  const std::string file = controller.version == 1
                               ? folder + "/memory.memsw.limit_in_bytes"
                               : folder + "/memory.swap.max";
  if (access(file.c_str(), F_OK) != 0) {
    // Swap is not counted. v1 can still keep the box from swapping.
    if (controller.version == 1) {
      return WriteFile(folder + "/memory.swappiness", "0");
    }
    errno = EOPNOTSUPP;
    return FieldOf(ReadFile("/proc/meminfo"), "SwapTotal") <= 0;
  }
  // v1 limits the sum of memory and swap.
  return WriteFile(file, controller.version == 1 ? limit : "0");
}

}  // namespace

std::optional<Controller> FindMemoryController(const std::string& mounts) {
  const std::string text = ReadFile(mounts);
  std::optional<Controller> v1;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t folder = line.find(' ') + 1;
    const std::size_t type = line.find(' ', folder) + 1;
    const std::size_t options = line.find(' ', type) + 1;
    if (folder == 0 || type == 0 || options == 0) continue;
    const std::string mount = line.substr(folder, type - folder - 1);
    const std::string kind = line.substr(type, options - type - 1);
    if (kind == "cgroup2") {
      const std::string have =
          " " + ReadFile(mount + "/cgroup.controllers") + " ";
      if (have.find(" memory ") != std::string::npos) {
        return Controller{2, mount};
      }
    } else if (kind == "cgroup" && !v1) {
      const std::string list = "," + line.substr(options) + ",";
      const std::string words = list.substr(0, list.find(' ')) + ",";
      if (words.find(",memory,") != std::string::npos) {
        v1 = Controller{1, mount};
      }
    }
  }
  return v1;
}

std::string CannotBox(const Controller& controller) {
  std::string error;
  const Box box(controller, 16_MiB, {}, error);
  return error;
}

void RemoveLeftoverBoxes(const Controller& controller) {
  DIR* folder = opendir(controller.mount.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (!name.starts_with(kPrefix)) continue;
    const std::string who = name.substr(std::strlen(kPrefix));
    const std::size_t dash = who.find('-');
    if (dash == std::string::npos) continue;
    const long pid = std::strtol(who.c_str(), nullptr, 10);
    const std::string start =
        who.substr(dash + 1, who.find('-', dash + 1) - dash - 1);
    if (pid > 0 && StartTime(pid) != start) {
      Remove(controller.mount + "/" + name);
    }
  }
  closedir(folder);
}

Box::Box(const Controller& controller, Bytes limit,
         const std::vector<Setting>& knobs, std::string& error) {
  static std::atomic<int> counter = 0;
  if (controller.version == 2) {
    // Refused where it is on already by somebody else's hand, or not ours to
    // give; the missing memory.max below tells.
    const std::string control = controller.mount + "/cgroup.subtree_control";
    WriteFile(control, "+memory");
    for (const Setting& knob : knobs) {
      WriteFile(control, "+" + knob.path.substr(0, knob.path.find('.')));
    }
  }
  folder_ = controller.mount + "/" + kPrefix + std::to_string(getpid()) + "-" +
            StartTime(getpid()) + "-" + std::to_string(counter++);
  if (mkdir(folder_.c_str(), 0755) != 0) {
    error = "cannot make the cgroup " + folder_ + ": " + std::strerror(errno);
    folder_.clear();
    return;
  }
  const std::string file = controller.version == 1
                               ? folder_ + "/memory.limit_in_bytes"
                               : folder_ + "/memory.max";
  const std::string value = std::to_string(limit.count);
  if (!WriteFile(file, value) || !LimitSwap(controller, folder_, value)) {
    error = "cannot limit the cgroup " + folder_ + " to " + value +
            " bytes without swap: " + std::strerror(errno);
    if (controller.version == 2) {
      error +=
          " (its parent must have +memory in cgroup.subtree_control, and "
          "swap be off or counted)";
    }
    Remove(folder_);
    folder_.clear();
    return;
  }
  for (const Setting& knob : knobs) {
    WriteFile(folder_ + "/" + knob.path, knob.value);
  }
}

Box::~Box() {
  if (!folder_.empty() && !Remove(folder_)) {
    std::fprintf(stderr, "oomgate: cannot remove the cgroup %s: %s\n",
                 folder_.c_str(), std::strerror(errno));
  }
}

}  // namespace oomgate
