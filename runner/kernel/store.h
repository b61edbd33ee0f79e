// SPDX-License-Identifier: Apache-2.0
// The cache of kernels: $XDG_CACHE_HOME/oomgate/kernels/<release>-<digest>/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/kernel/debian.h"
#include "runner/kernel/kernel.h"
#include "runner/kernel/modules.h"

namespace oomgate {

struct KernelParts;

class KernelStore {
 public:
  // Default: $XDG_CACHE_HOME/oomgate/kernels, else ~/.cache/oomgate/kernels.
  // The private apt root stands beside it; mirrors are read from `etc_apt`.
  explicit KernelStore(std::filesystem::path root = DefaultRoot(),
                       std::filesystem::path etc_apt = "/etc/apt");
  static std::filesystem::path DefaultRoot();

  // Every usable kernel, oldest release first; of one release the one that was
  // added last comes last. A damaged entry is left out.
  std::vector<Kernel> List() const;

  // What a user means by `text`: a cached release, a prefix of one ("6.1") or
  // the name of its folder, "debian:6.1" or "debian:newest" (fetched where it
  // is missing), or a path (added where it is new). "" means the default
  // kernel: the newest cached one of the default series
  // (vm-images/kernels.json), else the newest.
  // Throws UserError with what to do where there is no such kernel.
  Kernel Resolve(const std::string& text);

  // Gets "debian:SERIES", "debian:newest", "debian:RELEASE" or
  // "debian:VERSION" with the machine's own apt in a private root. A kernel
  // that is in the cache is not downloaded again.
  Kernel Fetch(const std::string& spec);

  // What could be fetched, rebuilds aside, oldest first; and what `spec` means
  // among all.
  std::vector<DebianKernel> Available() const;
  DebianKernel Offered(const std::string& spec) const;

  // Takes a bzImage, vmlinuz, vmlinux, kernel .deb (several belong together:
  // give the folder), a build tree, or a root file system. Throws UserError
  // where it is not an x86-64 kernel, or is truncated.
  Kernel Add(const std::filesystem::path& path);

 private:
  Kernel AddDebs(const std::vector<std::filesystem::path>& files,
                 const std::string& source);
  Kernel AddImage(const std::filesystem::path& file);
  Kernel AddFolder(const std::filesystem::path& folder);
  Kernel AddParts(const KernelParts& parts, const std::string& name,
                  const std::string& source, const std::string& inputs);
  std::optional<Kernel> FindMadeFrom(const std::string& inputs,
                                     const std::string& source) const;
  void RemoveLeftovers() const;

  std::filesystem::path root_;
  std::filesystem::path etc_apt_;
};

}  // namespace oomgate
