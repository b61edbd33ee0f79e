// SPDX-License-Identifier: Apache-2.0
// One folder of the cache: what lies in it, and whether that is still whole.
#include "runner/kernel/entry.h"

#include <sys/stat.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "runner/error.h"
#include "runner/kernel/config.h"
#include "runner/kernel/file.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;

std::int64_t ModifiedNanoseconds(const fs::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// A look at size and time spares reading 50 MB; another time means reading.
bool IsWhole(const fs::path& image, const json& j) {
  if (fs::file_size(image) != j.at("size").get<std::uintmax_t>()) return false;
  return ModifiedNanoseconds(image) == j.at("modified").get<std::int64_t>() ||
         Digest(LoadBytes(image)) == j.at("digest").get<std::string>();
}

}  // namespace

std::optional<Entry> ReadEntry(const fs::path& folder) {
  try {
    const json j = json::parse(LoadBytes(folder / "kernel.json"));
    if (j.at("format") != kFormat) return std::nullopt;
    Entry entry;
    Kernel& kernel = entry.kernel;
    kernel.directory = folder;
    kernel.release = j.at("release");
    kernel.source = j.at("source");
    kernel.pvh = j.at("pvh");
    kernel.digest = j.at("digest");
    kernel.image = folder / j.at("image").get<std::string>();
    if (j.at("modules").get<bool>()) {
      kernel.modules = folder / "modules" / kernel.release;
      if (!fs::is_directory(kernel.modules)) return std::nullopt;
    }
    if (j.at("config").get<bool>()) {
      kernel.config = ReadConfig(LoadBytes(folder / "config"));
    }
    entry.inputs = j.at("inputs");
    entry.added = j.at("added");
    if (!IsWhole(kernel.image, j)) return std::nullopt;
    return entry;
  } catch (const json::exception&) {
  } catch (const fs::filesystem_error&) {
  } catch (const UserError&) {
  }
  return std::nullopt;
}

Entry WriteEntry(const fs::path& folder, const BootImage& image,
                 const KernelParts& parts, const std::string& source,
                 const std::string& inputs) {
  Entry entry;
  Kernel& kernel = entry.kernel;
  kernel.release = image.release;
  kernel.source = source;
  kernel.directory = folder;
  kernel.pvh = image.pvh;
  kernel.digest = Digest(image.bytes);
  kernel.image = folder / (image.pvh ? "vmlinux" : "bzImage");
  SaveBytes(kernel.image, image.bytes);

  const std::string config =
      parts.config.empty() ? image.config : LoadBytes(parts.config);
  if (!config.empty()) SaveBytes(folder / "config", config);
  kernel.config = ReadConfig(config);

  const fs::path modules = folder / "modules" / kernel.release;
  if (!parts.builtin.empty() || !parts.modules.empty()) {
    fs::create_directories(modules);
    kernel.modules = modules;
  }
  if (!parts.builtin.empty()) {
    SaveBytes(modules / "modules.builtin", LoadBytes(parts.builtin));
  }
  for (const auto& [path, file] : parts.modules) {
    fs::create_directories((modules / "kernel" / path).parent_path());
    SaveBytes(modules / "kernel" / path, LoadBytes(file));
  }

  entry.inputs = inputs;
  entry.added = std::chrono::duration_cast<std::chrono::seconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  const json j = {{"format", kFormat},
                  {"release", kernel.release},
                  {"source", source},
                  {"image", kernel.image.filename().string()},
                  {"pvh", kernel.pvh},
                  {"size", image.bytes.size()},
                  {"modified", ModifiedNanoseconds(kernel.image)},
                  {"digest", kernel.digest},
                  {"config", !config.empty()},
                  {"modules", !kernel.modules.empty()},
                  {"inputs", inputs},
                  {"added", entry.added}};
  SaveBytes(folder / "kernel.json", j.dump(2) + "\n");
  return entry;
}

}  // namespace oomgate
