// SPDX-License-Identifier: Apache-2.0
// The cache of kernels: $XDG_CACHE_HOME/oomgate/kernels/<release>-<digest>/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/kernel/kernel.h"

namespace oomgate {

class KernelStore {
 public:
  // Default: $XDG_CACHE_HOME/oomgate/kernels, else ~/.cache/oomgate/kernels.
  explicit KernelStore(std::filesystem::path root = DefaultRoot());
  static std::filesystem::path DefaultRoot();

  // Every usable kernel, oldest release first. A damaged entry is left out.
  std::vector<Kernel> List() const;

  // What a user means by `text`: a cached release or a prefix of one ("6.1"),
  // "debian:6.1" or "debian:newest" (fetched where it is missing), or a path
  // (added where it is new). "" means the default kernel: the newest cached
  // one of the default series (vm-images/kernels.json), else the newest.
  // Throws UserError with what to do where there is no such kernel.
  Kernel Resolve(const std::string& text);

  // Downloads "debian:SERIES" with the machine's own apt in a private root.
  Kernel Fetch(const std::string& spec);

  // Takes a bzImage, vmlinuz, vmlinux, kernel .deb (several belong together:
  // give the folder), or a build tree. Throws UserError where it is not an
  // x86-64 kernel, or is truncated.
  Kernel Add(const std::filesystem::path& path);

 private:
  std::filesystem::path root_;
};

// A module file as the guest loads it: decompressed.
struct Module {
  std::string name;  // "virtio_blk"
  std::string bytes;
};

// `names` and all they depend on, in load order; those built in left out.
// Throws UserError, naming the kernel, where one is neither module nor built
// in.
std::vector<Module> LoadModules(const Kernel& kernel,
                                const std::vector<std::string>& names);

}  // namespace oomgate
