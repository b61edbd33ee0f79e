// SPDX-License-Identifier: Apache-2.0
// Debian packages, opened without dpkg: any Linux can take a kernel from one.
#include "runner/kernel/deb.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "runner/error.h"
#include "runner/kernel/archive.h"
#include "runner/kernel/file.h"
#include "runner/kernel/modules.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// "data.tar", whatever its compression.
std::string Part(const std::string& name, std::string_view bytes,
                 const std::string& part) {
  ArchiveReader package(name, bytes);
  while (package.Next()) {
    if (package.path().starts_with(part)) return package.Read();
  }
  throw UserError(fmt::format(
      "{}: no {} in it: not a Debian package, or truncated", name, part));
}

bool IsWanted(const std::string& path) {
  if (path.starts_with("boot/vmlinuz-") || path.starts_with("boot/config-")) {
    return true;
  }
  // lib/modules/RELEASE/…
  if (!path.starts_with("lib/modules/")) return false;
  const std::size_t release = path.find('/', 12);
  if (release == std::string::npos) return false;
  const std::string rest = path.substr(release + 1);
  if (rest.starts_with("kernel/")) {
    return !ModuleName(rest).empty() && IsForGuests(rest.substr(7));
  }
  return rest == "vmlinuz" || rest == "config" || rest == "modules.builtin";
}

bool StaysBelow(const fs::path& path) {
  return path.is_relative() &&
         std::find(path.begin(), path.end(), "..") == path.end();
}

}  // namespace

bool IsDeb(std::string_view bytes) {
  return bytes.starts_with("!<arch>\ndebian-binary");
}

DebControl ReadDebControl(const std::string& name, std::string_view bytes) {
  const std::string part = Part(name, bytes, "control.tar");
  ArchiveReader members(name, part);
  DebControl control;
  while (members.Next()) {
    if (members.path() != "control") continue;
    std::istringstream in(members.Read());
    for (std::string line; std::getline(in, line);) {
      const std::size_t colon = line.find(": ");
      if (colon == std::string::npos) continue;
      const std::string key = line.substr(0, colon);
      const std::string value = line.substr(colon + 2);
      if (key == "Package") control.package = value;
      if (key == "Version") control.version = value;
      if (key == "Architecture") control.architecture = value;
    }
  }
  return control;
}

void ExtractKernelDeb(const std::string& name, std::string_view bytes,
                      const fs::path& root) {
  const std::string part = Part(name, bytes, "data.tar");
  ArchiveReader members(name, part);
  while (members.Next()) {
    std::string path = members.path();
    if (path.starts_with("usr/")) path.erase(0, 4);
    if (!members.IsFile() || !IsWanted(path) || !StaysBelow(path)) continue;
    const fs::path target = root / path;
    fs::create_directories(target.parent_path());
    SaveBytes(target, members.Read());
  }
}

}  // namespace oomgate
