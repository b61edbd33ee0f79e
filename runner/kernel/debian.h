// SPDX-License-Identifier: Apache-2.0
// Which of Debian's packages make up the kernel that "debian:6.1" means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/kernel/catalog.h"

namespace oomgate {

struct Package {
  std::string name;
  std::string version;
};

struct DebianKernel {
  std::string release;            // "6.1.0-56-cloud-amd64"
  Package image;                  // what names the kernel
  std::vector<Package> packages;  // all of them, the image first
};

// The stanzas that `apt-cache show` prints.
std::vector<Package> ReadPackages(const std::string& text);

// The kernels among the packages, oldest first.
std::vector<DebianKernel> KernelsAmong(const std::vector<Package>& packages,
                                       const Catalog& catalog);

// By package version, which tells the age better than the name; without what
// was rebuilt from a version that is there itself.
std::vector<DebianKernel> InOrderOfVersions(std::vector<DebianKernel> kernels);

// `wanted`: "newest", the start of a release ("6.1") or of a package version,
// or all of either. Debian rebuilds kernels for older suites; the original is
// preferred where both are there.
std::optional<DebianKernel> ChooseKernel(
    const std::vector<DebianKernel>& kernels, const std::string& wanted,
    const Catalog& catalog);

}  // namespace oomgate
