// SPDX-License-Identifier: Apache-2.0
// Delegated groups of cgroup v2: found, prepared, asked of the user's systemd.
#include "runner/cgroup/delegation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "runner/launch/file.h"
#include "runner/process.h"

namespace oomgate {
namespace {

constexpr const char* kLeaf = "oomgate.leaf";
constexpr const char* kAgain = "OOMGATE_IN_SCOPE";
constexpr std::chrono::seconds kAnswer(5);

// Whether the words of that file have the memory controller among them.
bool HasMemory(const std::string& file) {
  return (" " + ReadFile(file) + " ").find(" memory ") != std::string::npos;
}

bool PassesOn(const std::string& group) {
  return HasMemory(group + "/cgroup.subtree_control");
}

std::string Above(const std::string& group) {
  return group.substr(0, group.rfind('/'));
}

// The group of this process in the tree of that mount; "" where it is outside.
std::string OwnGroup(const std::string& mount) {
  const std::string text = "\n" + ReadFile("/proc/self/cgroup");
  const std::size_t at = text.find("\n0::/");
  if (at == std::string::npos) return "";
  std::string path = text.substr(at + 4);
  path = path.substr(0, path.find('\n'));
  if (path.starts_with("/..")) return "";
  return path == "/" ? mount : mount + path;
}

}  // namespace

bool MayMakeGroups(const std::string& folder) {
  return ::access(folder.c_str(), W_OK) == 0 &&
         ::access((folder + "/cgroup.procs").c_str(), W_OK) == 0;
}

std::optional<Controller> FindBoxPlace() {
  const auto controller = FindMemoryController();
  if (!controller || controller->version == 1 ||
      MayMakeGroups(controller->mount)) {
    return controller;
  }
  for (std::string group = OwnGroup(controller->mount);
       group.size() > controller->mount.size(); group = Above(group)) {
    if (MayMakeGroups(group) && PassesOn(group)) return Controller{2, group};
  }
  return controller;
}

bool EnterLeaf() {
  const auto controller = FindMemoryController();
  if (!controller || controller->version == 1) return false;
  const std::string group = OwnGroup(controller->mount);
  if (group.size() <= controller->mount.size() || !MayMakeGroups(group) ||
      !HasMemory(group + "/cgroup.controllers")) {
    return false;
  }
  const std::string leaf = group + "/" + kLeaf;
  ::mkdir(leaf.c_str(), 0755);
  if (WriteFile(leaf + "/cgroup.procs", "0") &&
      WriteFile(group + "/cgroup.subtree_control", "+memory")) {
    return true;
  }
  LeaveLeaf();
  ::rmdir(leaf.c_str());
  return false;
}

void LeaveLeaf() {
  const auto controller = FindMemoryController();
  if (!controller) return;
  const std::string leaf = OwnGroup(controller->mount);
  if (!leaf.ends_with(std::string("/") + kLeaf)) return;
  const std::string group = Above(leaf);
  WriteFile(group + "/cgroup.subtree_control", "-memory");
  WriteFile(group + "/cgroup.procs", "0");
  ::rmdir(leaf.c_str());
}

void RunAgainInScope() {
  if (std::getenv(kAgain) != nullptr || FindProgram("systemd-run").empty()) {
    return;
  }
  std::vector<std::string> words = {"systemd-run", "--user", "--scope",
                                    "--quiet",     "-p",     "Delegate=yes",
                                    "--"};
  Command asked{words};
  asked.argv.emplace_back("true");
  if (!RunToEnd(std::move(asked), kAnswer).ok()) return;
  words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  // Words end with a NUL each; the first is this program.
  const std::string line = ReadFile("/proc/self/cmdline", 1 << 20);
  for (std::size_t at = line.find('\0'); at + 1 < line.size();) {
    const std::size_t end = line.find('\0', at + 1);
    words.push_back(line.substr(at + 1, end - at - 1));
    at = end;
  }
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::setenv(kAgain, "1", 1);
  ::execvp(argv[0], argv.data());
}

}  // namespace oomgate
