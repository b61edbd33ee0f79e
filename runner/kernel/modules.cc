// SPDX-License-Identifier: Apache-2.0
// Kernel modules on their way into a guest: with all they depend on, in load
// order, decompressed, so that the guest needs nothing but finit_module(2).
//
// Packages are kept unpacked, not installed, so there is no modules.dep, and
// depmod may be absent. Each module names its own dependencies; libkmod reads
// them.
#include "runner/kernel/modules.h"

#include <fmt/format.h>
#include <libkmod.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "runner/error.h"
#include "runner/kernel/archive.h"
#include "runner/kernel/config.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

// The kernel treats both as the same.
std::string Underscores(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

struct Dependencies {
  std::vector<std::string> needed;
  std::vector<std::string> wanted;  // "softdep: pre:", may be absent
};

Dependencies Parse(const std::string& key, const std::string& value) {
  Dependencies found;
  if (key == "depends") {
    std::istringstream in(value);
    for (std::string name; std::getline(in, name, ',');) {
      if (!name.empty()) found.needed.push_back(Underscores(name));
    }
  } else if (key == "softdep") {
    std::istringstream in(value);
    bool before = false;
    for (std::string word; in >> word;) {
      if (word.ends_with(':')) {
        before = word == "pre:";
      } else if (before) {
        found.wanted.push_back(Underscores(word));
      }
    }
  }
  return found;
}

// What a decompressed module says of itself.
Dependencies ReadDependencies(const std::string& name,
                              const std::string& bytes) {
  // libkmod takes a path: a file in memory has one.
  const int fd = ::memfd_create("module", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) !=
                    static_cast<ssize_t>(bytes.size())) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw HarnessError(fmt::format("cannot hold module {}: {}", name, why));
  }
  // Neither this machine's modules nor its modprobe.d.
  const char* no_configuration = nullptr;
  kmod_ctx* context = kmod_new("/nonexistent", &no_configuration);
  kmod_set_log_priority(context, 0);
  kmod_module* module = nullptr;
  kmod_list* list = nullptr;
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  int status = kmod_module_new_from_path(context, path.c_str(), &module);
  if (status >= 0) status = kmod_module_get_info(module, &list);
  Dependencies all;
  for (kmod_list* item = list; item != nullptr;
       item = kmod_list_next(list, item)) {
    const Dependencies one =
        Parse(kmod_module_info_get_key(item), kmod_module_info_get_value(item));
    all.needed.insert(all.needed.end(), one.needed.begin(), one.needed.end());
    all.wanted.insert(all.wanted.end(), one.wanted.begin(), one.wanted.end());
  }
  kmod_module_info_free_list(list);
  kmod_module_unref(module);
  kmod_unref(context);
  ::close(fd);
  if (status < 0) {
    throw UserError(
        fmt::format("module {} is damaged (libkmod: {}); fetch or add the "
                    "kernel again",
                    name, std::strerror(-status)));
  }
  return all;
}

class Loader {
 public:
  explicit Loader(const Kernel& kernel) : kernel_(kernel) {
    ReadBuiltIn();
    if (kernel.modules.empty()) return;
    for (const auto& file : fs::recursive_directory_iterator(kernel.modules)) {
      const std::string name = ModuleName(file.path());
      if (!name.empty()) files_[name] = file.path();
    }
  }

  // `needed_by`: "" where it was asked for by name.
  void Load(const std::string& name, const std::string& needed_by) {
    if (!seen_.insert(name).second) return;
    const auto file = files_.find(name);
    if (file == files_.end()) {
      if (!IsBuiltIn(name)) Missing(name, needed_by);
      return;
    }
    auto bytes = Decompress(LoadBytes(file->second));
    if (!bytes) {
      throw UserError(
          fmt::format("{}: cannot be decompressed; fetch or add kernel {} "
                      "again",
                      file->second.string(), kernel_.release));
    }
    const Dependencies before = ReadDependencies(name, *bytes);
    for (const std::string& other : before.wanted) {
      if (files_.contains(other)) Load(other, name);
    }
    for (const std::string& other : before.needed) Load(other, name);
    modules_.push_back({name, std::move(*bytes)});
  }

  std::vector<Module> Take() { return std::move(modules_); }

 private:
  void ReadBuiltIn() {
    if (fs::is_regular_file(kernel_.modules / "modules.builtin")) {
      std::istringstream in(LoadBytes(kernel_.modules / "modules.builtin"));
      built_in_.emplace();
      for (std::string line; std::getline(in, line);) {
        built_in_->insert(ModuleName(line));
      }
    }
    if (fs::is_regular_file(kernel_.directory / "config")) {
      config_ = LoadBytes(kernel_.directory / "config");
    }
  }

  bool IsBuiltIn(const std::string& name) const {
    if (built_in_ && built_in_->contains(name)) return true;
    // Most options are called like their module; the exception that matters:
    std::string option = name == "nvme" ? "BLK_DEV_NVME" : name;
    std::transform(option.begin(), option.end(), option.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    return ConfigValue(config_, "CONFIG_" + option) == "y";
  }

  [[noreturn]] void Missing(const std::string& name,
                            const std::string& needed_by) const {
    std::string text =
        fmt::format("kernel {} has no module {}", kernel_.release, name);
    if (!needed_by.empty()) text += fmt::format(", which {} needs", needed_by);
    if (!built_in_ && config_.empty()) {
      text += fmt::format(
          ", and came without its configuration, so what is built in is not "
          "known: add {} with its .config (or config-{}) and modules beside "
          "it, or as a build tree",
          kernel_.source, kernel_.release);
    } else {
      text += ", nor is it built in: choose another kernel, or build it in";
    }
    throw UserError(text);
  }

  const Kernel& kernel_;
  std::map<std::string, fs::path> files_;
  std::optional<std::set<std::string>> built_in_;
  std::string config_;
  std::set<std::string> seen_;
  std::vector<Module> modules_;
};

}  // namespace

std::string ModuleName(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::size_t end = name.rfind(".ko");
  if (end == std::string::npos) return "";
  const std::string suffix = name.substr(end + 3);
  if (!suffix.empty() && suffix != ".xz" && suffix != ".zst" &&
      suffix != ".gz") {
    return "";
  }
  return Underscores(name.substr(0, end));
}

bool IsForGuests(const std::string& path) {
  for (const char* folder :
       {"net/", "sound/", "drivers/gpu/", "drivers/infiniband/",
        "drivers/media/", "drivers/net/", "drivers/staging/", "drivers/usb/"}) {
    if (path.starts_with(folder)) return false;
  }
  return true;
}

std::vector<Module> LoadModules(const Kernel& kernel,
                                const std::vector<std::string>& names) {
  Loader loader(kernel);
  for (const std::string& name : names) loader.Load(Underscores(name), "");
  return loader.Take();
}

}  // namespace oomgate
