// SPDX-License-Identifier: Apache-2.0
// A kernel that guests can boot, as it stands in the cache.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace oomgate {

struct Kernel {
  std::string release;  // "6.1.0-56-cloud-amd64", from the image itself
  std::string source;  // "debian:linux-image-6.1.0-56-… 6.1.192-2", or a path
  std::filesystem::path directory;  // its entry in the cache
  // What QEMU gets as -kernel: an ELF with a PVH entry, else the bzImage.
  std::filesystem::path image;
  bool pvh = false;
  std::filesystem::path modules;  // the …/modules/<release> folder; or empty
  // Options that decide what a guest can do, "CONFIG_NUMA" -> "y"/"m"/"";
  // empty where the configuration is not known.
  std::map<std::string, std::string> config;
  std::string digest;  // of the image: part of a run's fingerprint
};

}  // namespace oomgate
