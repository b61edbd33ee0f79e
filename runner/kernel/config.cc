// SPDX-License-Identifier: Apache-2.0
// A kernel's configuration, as far as it decides what a guest can do.
#include "runner/kernel/config.h"

#include "runner/kernel/archive.h"

namespace oomgate {
namespace {

constexpr const char* kOptions[] = {
    "CONFIG_64BIT",
    "CONFIG_ACPI_NUMA",
    "CONFIG_BLK_DEV_INITRD",
    "CONFIG_BLK_DEV_NVME",
    "CONFIG_CGROUPS",
    "CONFIG_CGROUP_HUGETLB",
    "CONFIG_CPUSETS",
    "CONFIG_DEBUG_VM",
    "CONFIG_DEVTMPFS",
    "CONFIG_HUGETLBFS",
    "CONFIG_IKCONFIG",
    "CONFIG_KASAN",
    "CONFIG_KSM",
    "CONFIG_LRU_GEN",
    "CONFIG_MAGIC_SYSRQ",
    "CONFIG_MEMCG",
    "CONFIG_MEMCG_KMEM",
    "CONFIG_MEMCG_SWAP",
    "CONFIG_MEMCG_V1",
    "CONFIG_NUMA",
    "CONFIG_NUMA_BALANCING",
    "CONFIG_PCI",
    "CONFIG_PSI",
    "CONFIG_PT_RECLAIM",
    "CONFIG_PVH",
    "CONFIG_SERIAL_8250_CONSOLE",
    "CONFIG_SMP",
    "CONFIG_SWAP",
    "CONFIG_SYSVIPC",
    "CONFIG_TRANSPARENT_HUGEPAGE",
    "CONFIG_USERFAULTFD",
    "CONFIG_VIRTIO",
    "CONFIG_VIRTIO_BLK",
    "CONFIG_VIRTIO_CONSOLE",
    "CONFIG_VIRTIO_PCI",
    "CONFIG_ZRAM",
    "CONFIG_ZSWAP",
};

}  // namespace

std::string ConfigValue(std::string_view text, std::string_view option) {
  const std::string start = std::string(option) + "=";
  for (std::size_t at = text.find(start); at != std::string_view::npos;
       at = text.find(start, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::string_view rest = text.substr(at + start.size());
    return std::string(rest.substr(0, rest.find('\n')));
  }
  return "";
}

std::map<std::string, std::string> ReadConfig(std::string_view text) {
  std::map<std::string, std::string> config;
  if (text.empty()) return config;
  for (const char* option : kOptions) {
    config[option] = ConfigValue(text, option);
  }
  return config;
}

std::string EmbeddedConfig(std::string_view image) {
  const std::size_t start = image.find("IKCFG_ST\x1f\x8b");
  if (start == std::string_view::npos) return "";
  const std::string_view rest = image.substr(start + 8);
  const std::size_t end = rest.find("IKCFG_ED");
  if (end == std::string_view::npos) return "";
  return Decompress(rest.substr(0, end)).value_or("");
}

}  // namespace oomgate
