// SPDX-License-Identifier: Apache-2.0
// Limits along the way from a process's group up to the root of its tree.
#include "runner/ask/groups.h"

#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

namespace oomgate {
namespace {

namespace fs = std::filesystem;
// What v1 shows where there is none is a little less than the largest number.
constexpr std::int64_t kNone = std::int64_t{1} << 60;

struct Files {
  const char* limit;
  const char* used;
  // In memory.stat; "" where nothing is reclaimable.
  std::array<std::string_view, 2> reclaimable;
};
constexpr Files kPids = {"pids.max", "pids.current", {}};
constexpr Files kMemory = {
    "memory.max", "memory.current", {"inactive_file", "active_file"}};
constexpr Files kMemoryOfV1 = {"memory.limit_in_bytes",
                               "memory.usage_in_bytes",
                               {"total_inactive_file", "total_active_file"}};

bool Among(std::string_view list, std::string_view name) {
  return ("," + std::string(list) + ",").find("," + std::string(name) + ",") !=
         std::string::npos;
}

// A process's group in the tree that has that controller.
struct MountedGroup {
  fs::path mount;
  fs::path group;  // the folder, below `mount` or it
  bool v1 = false;
};

std::optional<fs::path> MountOf(const std::string& controller, bool v1,
                                const fs::path& root) {
  std::ifstream mounts(root / "proc/self/mounts");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream words(line);
    std::string device;
    std::string folder;
    std::string type;
    std::string options;
    words >> device >> folder >> type >> options;
    if (v1 ? type == "cgroup" && Among(options, controller)
           : type == "cgroup2") {
      return root / fs::path(folder).relative_path();
    }
  }
  return std::nullopt;
}

std::optional<MountedGroup> PlaceOf(const std::string& pid,
                                    const std::string& controller,
                                    const fs::path& root) {
  std::ifstream groups(root / "proc" / pid / "cgroup");
  std::optional<MountedGroup> unified;
  std::string line;
  while (std::getline(groups, line)) {
    const std::size_t names = line.find(':') + 1;
    const std::size_t path = line.find(':', names) + 1;
    if (names == 0 || path == 0) continue;
    const std::string list = line.substr(names, path - names - 1);
    const bool v1 = !list.empty();
    if (v1 && !Among(list, controller)) continue;
    const auto mount = MountOf(controller, v1, root);
    const fs::path group = fs::path(line.substr(path)).relative_path();
    // Outside of what this process sees of the tree.
    if (!mount || line.substr(path).starts_with("/..")) continue;
    MountedGroup place{*mount, group.empty() ? *mount : *mount / group, v1};
    if (v1) return place;
    unified = std::move(place);
  }
  return unified;
}

// Nothing where there is no such limit.
std::optional<GroupLimit> LimitAt(const fs::path& group, const Files& files) {
  GroupLimit limit{.group = group.string()};
  std::ifstream most(group / files.limit);
  std::ifstream used(group / files.used);
  // "max" is no number.
  if (!(most >> limit.limit) || limit.limit >= kNone || !(used >> limit.used)) {
    return std::nullopt;
  }
  std::ifstream stat(group / "memory.stat");
  std::string name;
  std::int64_t value = 0;
  while (!files.reclaimable[0].empty() && stat >> name >> value) {
    if (name == files.reclaimable[0] || name == files.reclaimable[1]) {
      limit.reclaimable += value;
    }
  }
  return limit;
}

std::optional<GroupLimit> Least(const MountedGroup& place, const Files& files) {
  std::optional<GroupLimit> least;
  for (fs::path group = place.group;; group = group.parent_path()) {
    const auto limit = LimitAt(group, files);
    if (limit && (!least || limit->left() < least->left())) least = limit;
    if (group == place.mount || group == group.parent_path()) return least;
  }
}

}  // namespace

GroupFacts ReadGroupFacts(int pid, const fs::path& root) {
  const std::string name = pid == 0 ? "self" : std::to_string(pid);
  GroupFacts facts;
  if (const auto place = PlaceOf(name, "pids", root)) {
    facts.pids = Least(*place, kPids);
  }
  if (const auto place = PlaceOf(name, "memory", root)) {
    facts.memory = Least(*place, place->v1 ? kMemoryOfV1 : kMemory);
  }
  return facts;
}

}  // namespace oomgate
