// SPDX-License-Identifier: Apache-2.0
// vm-images/kernels.json, built in: where Debian's kernels are and what their
// packages are called.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace oomgate {

// How the packages of a range of releases are called.
struct PackageNames {
  std::string from;                 // the oldest release
  std::string image;                // "linux-image-", before the release
  std::vector<std::string> others;  // what else is needed, likewise
};

struct Catalog {
  std::string default_kernel;  // "debian:6.1"
  std::string flavour;         // "-cloud-amd64", the end of every release
  // "debian-security" -> its suites: the last part of a mirror's address.
  std::map<std::string, std::vector<std::string>> suites;
  std::vector<PackageNames> packages;  // newest releases first
};

const Catalog& KernelCatalog();

}  // namespace oomgate
