// SPDX-License-Identifier: Apache-2.0
// Which of Debian's packages make up the kernel that "debian:6.1" means.
#include "runner/kernel/debian.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <sstream>

#include "runner/kernel/release.h"

namespace oomgate {
namespace {

// Tells 6.1.0-56-cloud-amd64 from 6.1-cloud-amd64, which is a metapackage.
bool NamesOneRelease(const std::string& release) {
  const std::string series = SeriesOf(release);
  return series.size() + 1 < release.size() && release[series.size()] == '.' &&
         std::isdigit(static_cast<unsigned char>(release[series.size() + 1]));
}

const PackageNames* NamesFor(const std::string& release,
                             const Catalog& catalog) {
  for (const PackageNames& names : catalog.packages) {
    if (!IsOlder(release, names.from)) return &names;
  }
  return nullptr;
}

// "7.3.4-1~bpo13+1", "6.1.180-1~deb11u1".
bool IsRebuild(const DebianKernel& kernel) {
  return kernel.image.version.find('~') != std::string::npos;
}

}  // namespace

std::vector<Package> ReadPackages(const std::string& text) {
  std::vector<Package> packages;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("Package: ")) packages.push_back({line.substr(9), ""});
    if (line.starts_with("Version: ") && !packages.empty()) {
      packages.back().version = line.substr(9);
    }
  }
  return packages;
}

std::vector<DebianKernel> KernelsAmong(const std::vector<Package>& packages,
                                       const Catalog& catalog) {
  std::vector<DebianKernel> kernels;
  for (const Package& package : packages) {
    for (const PackageNames& names : catalog.packages) {
      if (!package.name.starts_with(names.image) ||
          !package.name.ends_with(catalog.flavour)) {
        continue;
      }
      const std::string release = package.name.substr(names.image.size());
      if (!NamesOneRelease(release) || NamesFor(release, catalog) != &names) {
        continue;
      }
      DebianKernel kernel{release, package, {package}};
      for (const std::string& other : names.others) {
        kernel.packages.push_back({other + release, package.version});
      }
      kernels.push_back(kernel);
    }
  }
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const DebianKernel& a, const DebianKernel& b) {
                     return IsOlder(a.release, b.release);
                   });
  return kernels;
}

std::vector<DebianKernel> InOrderOfVersions(std::vector<DebianKernel> kernels) {
  std::set<std::string> versions;
  for (const DebianKernel& kernel : kernels) {
    versions.insert(kernel.image.version);
  }
  std::erase_if(kernels, [&](const DebianKernel& kernel) {
    const std::string& version = kernel.image.version;
    return IsRebuild(kernel) &&
           versions.contains(version.substr(0, version.find('~')));
  });
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const DebianKernel& a, const DebianKernel& b) {
                     return IsOlder(a.image.version, b.image.version);
                   });
  const auto same = [](const DebianKernel& a, const DebianKernel& b) {
    return a.release == b.release;
  };
  kernels.erase(std::unique(kernels.begin(), kernels.end(), same),
                kernels.end());
  return kernels;
}

std::optional<DebianKernel> ChooseKernel(
    const std::vector<DebianKernel>& kernels, const std::string& wanted,
    const Catalog& catalog) {
  using Match = std::function<bool(const DebianKernel&)>;
  const Match exactly = [&](const DebianKernel& k) {
    return k.release == wanted || k.release == wanted + catalog.flavour ||
           k.image.version == wanted;
  };
  const Match by_start = [&](const DebianKernel& k) {
    return wanted == "newest" || StartsRelease(wanted, k.release) ||
           StartsRelease(wanted, k.image.version);
  };
  for (const Match& match : {exactly, by_start}) {
    std::vector<DebianKernel> found;
    std::copy_if(kernels.begin(), kernels.end(), std::back_inserter(found),
                 match);
    if (found.empty()) continue;
    const std::string series = SeriesOf(found.back().release);
    std::erase_if(found, [&](const DebianKernel& k) {
      return SeriesOf(k.release) != series;
    });
    const auto original =
        std::find_if_not(found.rbegin(), found.rend(), IsRebuild);
    return original != found.rend() ? *original : found.back();
  }
  return std::nullopt;
}

}  // namespace oomgate
