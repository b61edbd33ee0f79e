// SPDX-License-Identifier: Apache-2.0
// The cache of kernels. An entry is made under another name and moved into
// place whole, so what a crash leaves behind is never taken for a kernel.
#include "runner/kernel/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <tuple>

#include "runner/cache_folder.h"
#include "runner/error.h"
#include "runner/kernel/apt.h"
#include "runner/kernel/catalog.h"
#include "runner/kernel/deb.h"
#include "runner/kernel/entry.h"
#include "runner/kernel/file.h"
#include "runner/kernel/image.h"
#include "runner/kernel/parts.h"
#include "runner/kernel/release.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".new-";
constexpr const char* kDebian = "debian:";

std::vector<Entry> ReadEntries(const fs::path& root) {
  std::vector<Entry> entries;
  std::error_code absent;
  for (const auto& folder : fs::directory_iterator(root, absent)) {
    if (folder.path().filename().string().starts_with('.')) continue;
    if (auto entry = ReadEntry(folder.path())) {
      entries.push_back(std::move(*entry));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.kernel.release != b.kernel.release) {
      return IsOlder(a.kernel.release, b.kernel.release);
    }
    return std::tie(a.added, a.kernel.digest) <
           std::tie(b.added, b.kernel.digest);
  });
  return entries;
}

// What tells that nothing needs to be done again. Modules by size and time, as
// `make` would: a tree has hundreds of them.
std::string InputsOf(const KernelParts& parts, const std::string& image) {
  std::string text = Digest(image);
  for (const fs::path& file : {parts.config, parts.builtin}) {
    text += ' ';
    if (!file.empty()) text += Digest(LoadBytes(file));
  }
  for (const auto& [path, file] : parts.modules) {
    text += fmt::format(" {} {} {}", path, fs::file_size(file),
                        fs::last_write_time(file).time_since_epoch().count());
  }
  return Digest(text);
}

// Whether `there` makes an entry from `inputs` superfluous. One that was added
// from a file and then fetched counts as fetched.
bool Serves(const Entry& there, const std::string& inputs,
            const std::string& source) {
  return there.inputs == inputs && (there.kernel.source.starts_with(kDebian) ||
                                    !source.starts_with(kDebian));
}

// Moves a finished folder into place; returns the entry that is there then.
Entry Install(const fs::path& finished, const Entry& entry,
              const fs::path& root) {
  const Kernel& kernel = entry.kernel;
  const fs::path place =
      root / fmt::format("{}-{}", kernel.release, kernel.digest.substr(0, 8));
  fs::permissions(finished, fs::perms(0755));
  std::error_code error;
  fs::rename(finished, place, error);
  if (error) {
    const auto there = ReadEntry(place);
    // The same image without modules teaches nothing new.
    if (there && (Serves(*there, entry.inputs, kernel.source) ||
                  (kernel.modules.empty() && !there->kernel.modules.empty()))) {
      return *there;
    }
    // Swapped, so that no moment is without an entry. What was there goes away
    // with the temporary folder.
    if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, place.c_str(),
                    RENAME_EXCHANGE) != 0) {
      fs::remove_all(place, error);
      fs::rename(finished, place, error);
      if (error) {
        throw HarnessError(fmt::format("cannot move {} to {}: {}",
                                       finished.string(), place.string(),
                                       error.message()));
      }
    }
  }
  auto placed = ReadEntry(place);
  if (!placed) {
    throw HarnessError(
        fmt::format("{} was damaged while it was made; is the "
                    "disk full?",
                    place.string()));
  }
  return *placed;
}

bool IsFromDebian(const Kernel& kernel, const std::string& wanted) {
  if (!kernel.source.starts_with(kDebian)) return false;
  const std::string version =
      kernel.source.substr(kernel.source.rfind(' ') + 1);
  return StartsRelease(wanted, kernel.release) ||
         StartsRelease(wanted, version);
}

void CheckSpec(const std::string& spec) {
  if (spec.starts_with(kDebian) && spec.size() > 7) return;
  throw UserError(fmt::format(
      "cannot fetch {}: only debian:SERIES (debian:6.1, debian:newest) can "
      "be fetched; `oomgate kernel add PATH` takes any other kernel",
      spec));
}

}  // namespace

KernelStore::KernelStore(fs::path root, fs::path etc_apt)
    : root_(std::move(root)), etc_apt_(std::move(etc_apt)) {}

fs::path KernelStore::DefaultRoot() { return CacheFolder() / "kernels"; }

std::vector<Kernel> KernelStore::List() const {
  std::vector<Kernel> kernels;
  for (Entry& entry : ReadEntries(root_)) {
    kernels.push_back(std::move(entry.kernel));
  }
  return kernels;
}

Kernel KernelStore::Resolve(const std::string& text) {
  if (text == "debian:newest") return Fetch(text);
  if (text.find('/') != std::string::npos) return Add(text);
  const std::vector<Kernel> kernels = List();
  const bool debian = text.starts_with(kDebian);
  const std::string& standard = KernelCatalog().default_kernel;
  const std::string wanted = debian         ? text.substr(7)
                             : text.empty() ? standard.substr(7)
                                            : text;
  // The newest that fits; a whole name before the start of one.
  for (auto k = kernels.rbegin(); k != kernels.rend(); ++k) {
    if (!debian &&
        (k->release == wanted || k->directory.filename() == wanted)) {
      return *k;
    }
  }
  for (auto k = kernels.rbegin(); k != kernels.rend(); ++k) {
    if (debian ? IsFromDebian(*k, wanted) : StartsRelease(wanted, k->release)) {
      return *k;
    }
  }
  if (debian) return Fetch(text);
  if (text.empty() && !kernels.empty()) return kernels.back();
  if (!text.empty() && fs::exists(text)) return Add(text);
  if (kernels.empty()) {
    throw UserError(fmt::format(
        "no kernel in the cache ({}): run `oomgate kernel fetch {}`, or "
        "`oomgate kernel add PATH` for one of yours",
        root_.string(),
        text.empty() ? standard : fmt::format("debian:{}", wanted)));
  }
  std::vector<std::string> names;
  for (const Kernel& kernel : kernels) names.push_back(kernel.release);
  throw UserError(fmt::format(
      "no kernel {}: neither a file nor in the cache, which has {}; run "
      "`oomgate kernel fetch debian:{}` or `oomgate kernel add PATH`",
      text, fmt::join(names, ", "), text));
}

std::vector<DebianKernel> KernelStore::Available() const {
  PrivateApt apt(root_.parent_path() / "apt", etc_apt_);
  return InOrderOfVersions(apt.All());
}

DebianKernel KernelStore::Offered(const std::string& spec) const {
  CheckSpec(spec);
  PrivateApt apt(root_.parent_path() / "apt", etc_apt_);
  return apt.Find(spec.substr(7));
}

Kernel KernelStore::Fetch(const std::string& spec) {
  CheckSpec(spec);
  PrivateApt apt(root_.parent_path() / "apt", etc_apt_);
  const DebianKernel wanted = apt.Find(spec.substr(7));
  const std::string source =
      fmt::format("{}{} {}", kDebian, wanted.image.name, wanted.image.version);
  for (const Kernel& kernel : List()) {
    if (kernel.source == source) return kernel;
  }
  const TemporaryFolder folder(root_, kUnfinished);
  apt.Download(wanted, folder.path());
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder.path())) {
    files.push_back(file.path());
  }
  return AddDebs(files, source);
}

Kernel KernelStore::Add(const fs::path& path) {
  RemoveLeftovers();
  try {
    if (fs::is_directory(path)) return AddFolder(path);
    if (fs::exists(path)) return AddImage(path);
  } catch (const fs::filesystem_error& error) {
    throw UserError(
        fmt::format("{}: cannot be added: {}", path.string(), error.what()));
  }
  throw UserError(fmt::format("{}: no such file or folder", path.string()));
}

Kernel KernelStore::AddImage(const fs::path& file) {
  const std::string source = fs::absolute(file).lexically_normal().string();
  const std::string bytes = LoadBytes(file);
  if (IsDeb(bytes)) return AddDebs({file}, source);
  const KernelParts parts = PartsBeside(file, ReleaseIn(bytes));
  return AddParts(parts, file.string(), source, InputsOf(parts, bytes));
}

Kernel KernelStore::AddFolder(const fs::path& folder) {
  const std::string source = fs::absolute(folder).lexically_normal().string();
  std::vector<fs::path> debs;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == ".deb") debs.push_back(file.path());
  }
  if (!debs.empty()) return AddDebs(debs, source);
  const KernelParts parts = IsBuildTree(folder)
                                ? PartsInBuildTree(folder)
                                : PartsInRoot(folder, folder.string());
  return AddParts(parts, parts.image.string(), source,
                  InputsOf(parts, LoadBytes(parts.image)));
}

Kernel KernelStore::AddDebs(const std::vector<fs::path>& files,
                            const std::string& source) {
  std::map<fs::path, std::string> packages;
  std::string digests;
  for (const fs::path& file : files) {
    packages[file] = LoadBytes(file);
  }
  for (const auto& [file, bytes] : packages) digests += Digest(bytes);
  const std::string inputs = Digest(digests);
  if (const auto there = FindMadeFrom(inputs, source)) return *there;
  const TemporaryFolder unpacked(root_, kUnfinished);
  for (const auto& [file, bytes] : packages) {
    const DebControl control = ReadDebControl(file.string(), bytes);
    if (control.architecture != "amd64" && control.architecture != "all") {
      throw UserError(
          fmt::format("{}: for {}; guests are x86-64: give a package for amd64",
                      file.string(), control.architecture));
    }
    ExtractKernelDeb(file.string(), bytes, unpacked.path());
  }
  const KernelParts parts = PartsInRoot(unpacked.path(), source);
  return AddParts(
      parts, fmt::format("{} (in {})", parts.image.filename().string(), source),
      source, inputs);
}

std::optional<Kernel> KernelStore::FindMadeFrom(
    const std::string& inputs, const std::string& source) const {
  for (const Entry& entry : ReadEntries(root_)) {
    if (Serves(entry, inputs, source)) return entry.kernel;
  }
  return std::nullopt;
}

Kernel KernelStore::AddParts(const KernelParts& parts, const std::string& name,
                             const std::string& source,
                             const std::string& inputs) {
  if (const auto there = FindMadeFrom(inputs, source)) return *there;
  const BootImage image = ReadImage(name, LoadBytes(parts.image));
  const TemporaryFolder folder(root_, kUnfinished);
  const Entry entry = WriteEntry(folder.path(), image, parts, source, inputs);
  return Install(folder.path(), entry, root_).kernel;
}

// Unfinished entries of processes that were killed.
void KernelStore::RemoveLeftovers() const {
  std::error_code ignored;
  for (const auto& folder : fs::directory_iterator(root_, ignored)) {
    const auto age = fs::file_time_type::clock::now() -
                     fs::last_write_time(folder.path(), ignored);
    if (folder.path().filename().string().starts_with(kUnfinished) &&
        age > std::chrono::hours(24)) {
      fs::remove_all(folder.path(), ignored);
    }
  }
}

}  // namespace oomgate
