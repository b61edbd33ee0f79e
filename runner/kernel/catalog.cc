// SPDX-License-Identifier: Apache-2.0
// vm-images/kernels.json, built in: where Debian's kernels are and what their
// packages are called.
#include "runner/kernel/catalog.h"

#include <nlohmann/json.hpp>

namespace oomgate {
namespace {

constexpr const char* kKernels =
#include "kernel/catalog.inc"
    ;

Catalog Read(const nlohmann::json& j) {
  Catalog catalog;
  j.at("default").get_to(catalog.default_kernel);
  j.at("flavour").get_to(catalog.flavour);
  j.at("suites").get_to(catalog.suites);
  for (const auto& names : j.at("packages")) {
    PackageNames& to = catalog.packages.emplace_back();
    names.at("from").get_to(to.from);
    names.at("image").get_to(to.image);
    names.at("others").get_to(to.others);
  }
  return catalog;
}

}  // namespace

const Catalog& KernelCatalog() {
  static const Catalog catalog = Read(nlohmann::json::parse(kKernels));
  return catalog;
}

}  // namespace oomgate
