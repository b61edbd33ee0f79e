// SPDX-License-Identifier: Apache-2.0
// A difference is a property without a common value, and a matter.
#include "runner/compare/fingerprint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace oomgate {
namespace {

using Texts = std::set<std::string>;

constexpr const char* kKernel = "kernel";
constexpr const char* kImage = "kernel image";
constexpr const char* kOptions = "kernel options";
constexpr const char* kBuild = "kernel build";
constexpr const char* kCommandLine = "command line";
constexpr const char* kTaintFlags = "taint";
constexpr const char* kMemory = "memory";
constexpr const char* kOomgate = "oomgate";
constexpr const char* kQemu = "qemu";

constexpr const char* kUnknown = "unknown";

// Without the name of the kernel's file, which a boot loader puts there.
std::string CommandLine(const std::string& text) {
  if (!text.starts_with("BOOT_IMAGE=")) return text;
  const std::size_t end = text.find(' ');
  return end == std::string::npos ? "" : text.substr(end + 1);
}

// A guest's to the byte; a machine's kernel keeps a part of its memory back,
// and not always the same.
std::string Memory(const Start& start) {
  if (start.place == "vm") return fmt::format("{:.0f}", start.mem_total);
  return fmt::format("{:.0f} GiB", std::ceil(start.mem_total / (1 << 30)));
}

// "7.2.22 (Debian …)" -> "7.2": what comes after mends, and changes no cost.
std::string FirstTwoNumbers(const std::string& version) {
  std::size_t end = version.find_first_not_of("0123456789");
  if (end != std::string::npos && version[end] == '.') {
    end = version.find_first_not_of("0123456789", end + 1);
  }
  return version.substr(0, end);
}

bool Meet(const Texts& a, const Texts& b) {
  return std::ranges::any_of(
      a, [&](const std::string& value) { return b.contains(value); });
}

Texts Versions(const Texts& values) {
  Texts versions;
  for (const std::string& value : values) {
    versions.insert(FirstTwoNumbers(value));
  }
  return versions;
}

// The kernel takes these from the memory that is free when it boots: a guest
// with a larger initramfs has others, a machine after each boot.
bool FollowsFromBoot(const std::string& setting) {
  return setting.ends_with("/min_free_kbytes") ||
         setting.ends_with("/admin_reserve_kbytes") ||
         setting.ends_with("/user_reserve_kbytes");
}

// With another kernel, what a guest came up with is that kernel's doing; a
// machine's settings are its owner's.
Matter MatterOf(const std::string& what, bool guest, bool other_kernel) {
  if (what == kKernel || what == kImage || what == kOptions || what == kBuild) {
    return Matter::kKernel;
  }
  if (what == kOomgate || what == kQemu) return Matter::kPrograms;
  const bool setting = what.starts_with('/');
  if (FollowsFromBoot(what)) {
    return guest && other_kernel ? Matter::kKernel : Matter::kNote;
  }
  const bool follows = what == kCommandLine || what == kTaintFlags ||
                       (guest && (setting || what == kMemory));
  if (other_kernel && follows) return Matter::kKernel;
  return Matter::kPlace;
}

void Insert(std::vector<Difference>& differences, Difference difference,
            const std::string& shape) {
  const auto same =
      std::ranges::find_if(differences, [&](const Difference& other) {
        return !other.shapes.empty() && other.what == difference.what &&
               other.matter == difference.matter &&
               other.base == difference.base &&
               other.candidate == difference.candidate;
      });
  if (same != differences.end()) {
    same->shapes.push_back(shape);
    return;
  }
  difference.shapes.push_back(shape);
  differences.push_back(std::move(difference));
}

void CompareShape(const std::string& shape, const Fingerprint::Properties& base,
                  const Fingerprint::Properties& candidate,
                  std::vector<Difference>& differences) {
  const bool guest = shape.starts_with("vm-");
  const auto of = [](const Fingerprint::Properties& side,
                     const std::string& what) {
    const auto at = side.find(what);
    return at == side.end() ? Texts{} : at->second;
  };
  const auto differ = [&](const std::string& what) {
    const Texts a = of(base, what);
    const Texts b = of(candidate, what);
    return !a.empty() && !b.empty() && !Meet(a, b);
  };
  const bool other_kernel = differ(kKernel) || differ(kImage) || differ(kBuild);
  Texts all;
  for (const auto& side : {base, candidate}) {
    for (const auto& [what, values] : side) all.insert(what);
  }
  for (const std::string& what : all) {
    const Texts a = of(base, what);
    const Texts b = of(candidate, what);
    if (Meet(a, b)) continue;
    Matter matter = MatterOf(what, guest, other_kernel);
    const bool unknown = a.empty() || b.empty();
    const bool only_mended =
        matter == Matter::kPrograms && Meet(Versions(a), Versions(b));
    if (unknown || only_mended) matter = Matter::kNote;
    const auto text = [](const Texts& values) {
      return values.empty() ? kUnknown
                            : fmt::format("{}", fmt::join(values, ", "));
    };
    Insert(differences, {matter, what, text(a), text(b)}, shape);
  }
}

}  // namespace

void Fingerprint::Add(const Run& run) {
  for (const Start& start : run.starts) {
    Properties& properties = shapes[start.shape];
    const auto add = [&](const char* what, const std::string& value) {
      if (!value.empty()) properties[what].insert(value);
    };
    add(kKernel, start.kernel);
    add(kImage, start.kernel_digest);
    add(kOptions, start.config_digest);
    add(kBuild, start.version);
    add(kCommandLine, CommandLine(start.command_line));
    add(kTaintFlags, start.taint);
    add("accelerator", start.accelerator);
    add("cpu", start.cpu);
    add("cpus", std::to_string(start.cpus));
    add("nodes", std::to_string(start.nodes));
    add(kMemory, Memory(start));
    add("swap", fmt::format("{:.0f}", start.swap_total));
    add(kOomgate, run.oomgate);
    add(kQemu, start.qemu);
    for (const auto& [path, value] : start.settings) {
      properties[path].insert(value);
    }
  }
}

std::vector<Difference> DifferencesOf(const Fingerprint& base,
                                      const Fingerprint& candidate) {
  std::vector<Difference> differences;
  bool common = false;
  for (const auto& [shape, properties] : base.shapes) {
    const auto at = candidate.shapes.find(shape);
    if (at == candidate.shapes.end()) continue;
    common = true;
    CompareShape(shape, properties, at->second, differences);
  }
  if (!common) {
    const auto names = [](const Fingerprint& side) {
      std::vector<std::string> names;
      for (const auto& [shape, properties] : side.shapes) {
        names.push_back(shape);
      }
      return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
    };
    differences.push_back(
        {Matter::kPlace, "shape", names(base), names(candidate)});
  }
  std::ranges::stable_sort(differences, std::ranges::greater(),
                           &Difference::matter);
  return differences;
}

std::vector<std::string> LinesOf(const std::vector<Difference>& differences) {
  const bool other_kernel =
      std::ranges::find(differences, kKernel, &Difference::what) !=
      differences.end();
  std::vector<std::string> lines;
  std::set<std::string> with_it;
  std::set<std::string> unknown;
  for (const Difference& d : differences) {
    if (d.base == kUnknown || d.candidate == kUnknown) {
      unknown.insert(d.what);
      continue;
    }
    const bool told =
        d.what == kKernel || d.what == kCommandLine || d.what == kTaintFlags;
    if (other_kernel && d.matter == Matter::kKernel && !told) {
      with_it.insert(d.what.substr(d.what.rfind('/') + 1));
      continue;
    }
    std::string line = fmt::format("{}: {} | {}", d.what, d.base, d.candidate);
    if (d.shapes.size() == 1) line += " (" + d.shapes[0] + ")";
    if (d.what == kKernel) {
      lines.insert(lines.begin(), std::move(line));
    } else {
      lines.push_back(std::move(line));
    }
  }
  if (!with_it.empty()) {
    lines.push_back(
        fmt::format("and with the kernel: {}", fmt::join(with_it, ", ")));
  }
  if (!unknown.empty()) {
    lines.push_back(
        fmt::format("known of one side only: {}", fmt::join(unknown, ", ")));
  }
  return lines;
}

std::vector<Difference> RefusedDifferences(
    const std::vector<Difference>& differences, const Across& across) {
  std::vector<Difference> refused;
  std::ranges::copy_if(differences, std::back_inserter(refused),
                       [&](const Difference& difference) {
                         return difference.matter != Matter::kNote &&
                                !across.contains(difference.matter);
                       });
  return refused;
}

}  // namespace oomgate
