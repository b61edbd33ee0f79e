// SPDX-License-Identifier: Apache-2.0
// Which files belong to one kernel: in a root file system or an unpacked
// package, in a build tree, and beside an image.
#include "runner/kernel/parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <sstream>
#include <vector>

#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/kernel/modules.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBzImage = "arch/x86/boot/bzImage";

fs::path FirstFile(std::initializer_list<fs::path> candidates) {
  for (const fs::path& path : candidates) {
    if (fs::is_regular_file(path)) return path;
  }
  return {};
}

bool IsFolder(const fs::path& path) { return fs::is_directory(path); }

// Modules as they are installed: lib/modules/RELEASE.
void AddInstalledModules(const fs::path& folder, KernelParts& parts) {
  if (parts.builtin.empty()) {
    parts.builtin = FirstFile({folder / "modules.builtin"});
  }
  const fs::path kernel = folder / "kernel";
  if (!IsFolder(kernel)) return;
  for (const auto& file : fs::recursive_directory_iterator(kernel)) {
    const std::string path = file.path().lexically_relative(kernel).string();
    if (file.is_regular_file() && !ModuleName(path).empty() &&
        IsForGuests(path)) {
      parts.modules[path] = file.path();
    }
  }
}

// The parts of the kernel whose image is `image` and that is called `release`
// in the file system `root`.
KernelParts InstalledParts(const fs::path& root, const fs::path& image,
                           const std::string& release) {
  KernelParts parts;
  parts.image = image;
  parts.config = FirstFile({root / "boot" / ("config-" + release),
                            root / ("config-" + release),
                            root / "lib/modules" / release / "config",
                            root / "usr/lib/modules" / release / "config"});
  for (const char* folder : {"lib/modules", "usr/lib/modules"}) {
    if (parts.modules.empty()) {
      AddInstalledModules(root / folder / release, parts);
    }
  }
  return parts;
}

std::map<std::string, fs::path> ImagesInRoot(const fs::path& root) {
  std::map<std::string, fs::path> images;  // by release
  for (const fs::path& folder : {root, root / "boot"}) {
    if (!IsFolder(folder)) continue;
    for (const auto& file : fs::directory_iterator(folder)) {
      const std::string name = file.path().filename().string();
      if (name.starts_with("vmlinuz-") && file.is_regular_file()) {
        images[name.substr(8)] = file.path();
      }
    }
  }
  for (const char* modules : {"lib/modules", "usr/lib/modules"}) {
    if (!IsFolder(root / modules)) continue;
    for (const auto& folder : fs::directory_iterator(root / modules)) {
      const fs::path image = folder.path() / "vmlinuz";
      if (fs::is_regular_file(image)) {
        images.emplace(folder.path().filename().string(), image);
      }
    }
  }
  return images;
}

}  // namespace

KernelParts PartsInRoot(const fs::path& root, const std::string& name) {
  const auto images = ImagesInRoot(root);
  if (images.size() == 1) {
    return InstalledParts(root, images.begin()->second, images.begin()->first);
  }
  if (images.empty()) {
    const fs::path only =
        FirstFile({root / "bzImage", root / "vmlinuz", root / "vmlinux"});
    if (!only.empty()) {
      KernelParts parts;
      parts.image = only;
      parts.config = FirstFile({root / "config", root / ".config"});
      AddInstalledModules(root, parts);
      return parts;
    }
    throw UserError(fmt::format(
        "{}: no kernel in it: neither vmlinuz, bzImage nor vmlinux, no kernel "
        ".deb (linux-image-… or linux-binary-…), no built kernel tree; give "
        "one of these",
        name));
  }
  std::vector<std::string> names;
  for (const auto& [release, image] : images) names.push_back(release);
  throw UserError(fmt::format("{}: {} kernels in it: {}; give one of them",
                              name, images.size(), fmt::join(names, ", ")));
}

bool IsBuildTree(const fs::path& folder) {
  return fs::exists(folder / "include/config/kernel.release") ||
         fs::exists(folder / kBzImage) ||
         (fs::exists(folder / "Kconfig") && fs::exists(folder / "Kbuild"));
}

KernelParts PartsInBuildTree(const fs::path& tree) {
  KernelParts parts;
  const fs::path compressed = FirstFile({tree / kBzImage});
  const fs::path plain = FirstFile({tree / "vmlinux"});
  if (compressed.empty() && plain.empty()) {
    throw UserError(
        fmt::format("{}: a kernel tree in which nothing was built; run `make "
                    "bzImage modules` in it",
                    tree.string()));
  }
  // After `make vmlinux` alone the bzImage is that of an older build.
  parts.image = compressed;
  if (compressed.empty() ||
      (!plain.empty() &&
       fs::last_write_time(plain) > fs::last_write_time(compressed))) {
    parts.image = plain;
  }
  parts.config = FirstFile({tree / ".config"});
  parts.builtin = FirstFile({tree / "modules.builtin"});
  const fs::path order = FirstFile({tree / "modules.order"});
  if (order.empty()) return parts;
  std::istringstream in(LoadBytes(order));
  for (std::string line; std::getline(in, line);) {
    // "kernel/mm/zsmalloc.ko", since 6.2 "mm/zsmalloc.ko", since 6.4 ".o".
    if (line.starts_with("kernel/") && !fs::exists(tree / line)) {
      line.erase(0, 7);
    }
    const fs::path module = fs::path(line).replace_extension(".ko");
    if (fs::is_regular_file(tree / module) && IsForGuests(module.string())) {
      parts.modules[module.string()] = tree / module;
    }
  }
  return parts;
}

KernelParts PartsBeside(const fs::path& image, const std::string& release) {
  const fs::path file = fs::absolute(image).lexically_normal();
  const fs::path folder = file.parent_path();
  for (const fs::path& tree :
       {folder, folder.parent_path().parent_path().parent_path()}) {
    if (!IsBuildTree(tree)) continue;
    if (file != tree / kBzImage && file != tree / "vmlinux") continue;
    KernelParts parts = PartsInBuildTree(tree);
    parts.image = image;
    return parts;
  }
  // lib/modules/RELEASE/vmlinuz, or a folder that looks the same.
  if (folder.filename() == release || fs::exists(folder / "kernel")) {
    KernelParts parts;
    parts.image = image;
    parts.config = FirstFile({folder / "config"});
    AddInstalledModules(folder, parts);
    return parts;
  }
  // boot/vmlinuz-RELEASE, or such a file in the top folder.
  const fs::path root =
      folder.filename() == "boot" ? folder.parent_path() : folder;
  KernelParts parts = InstalledParts(root, image, release);
  if (parts.config.empty()) {
    parts.config = FirstFile({folder / "config", folder / ".config"});
  }
  return parts;
}

}  // namespace oomgate
