// SPDX-License-Identifier: Apache-2.0
// All cases of this program, and their instances.
#include "cases/kit/registry.h"

#include <algorithm>

namespace oomgate {
namespace {

std::vector<Case>& Registered() {
  static std::vector<Case> cases;
  return cases;
}

}  // namespace

Register::Register(Case definition) {
  std::vector<Case>& cases = Registered();
  const auto at = std::lower_bound(
      cases.begin(), cases.end(), definition,
      [](const Case& a, const Case& b) { return a.id < b.id; });
  cases.insert(at, std::move(definition));
}

const std::vector<Case>& AllCases() { return Registered(); }

std::vector<Params> InstancesOf(const Case& definition) {
  std::vector<Params::Map> maps = {{}};
  for (const Axis& axis : definition.params) {
    std::vector<Params::Map> wider;
    for (const Params::Map& map : maps) {
      for (const std::string& value : axis.values) {
        wider.push_back(map);
        wider.back()[axis.name] = value;
      }
    }
    maps = std::move(wider);
  }
  std::vector<Params> instances;
  for (Params::Map& map : maps) instances.emplace_back(std::move(map));
  return instances;
}

Needs NeedsOf(const Case& definition, const Params& params) {
  Needs needs = definition.needs;
  if (definition.adjust != nullptr) definition.adjust(params, needs);
  return needs;
}

}  // namespace oomgate
