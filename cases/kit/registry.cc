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

std::string& AllMistakes() {
  static std::string mistakes;
  return mistakes;
}

bool IsPlain(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_./") ==
             std::string::npos;
}

}  // namespace

std::string MistakeIn(const Case& definition, const std::string& file) {
  if (!IsPlain(definition.id)) {
    return "the id '" + definition.id + "' has characters beyond [a-z0-9_./]";
  }
  // Cases about oomgate itself share a file.
  if (!definition.meta && !file.ends_with("cases/" + definition.id + ".cc")) {
    return "the id '" + definition.id + "' is not the path of " + file;
  }
  for (const Axis& axis : definition.params) {
    bool plain = IsPlain(axis.name) && !axis.values.empty();
    for (const std::string& value : axis.values) plain &= IsPlain(value);
    if (!plain) {
      return definition.id + ": the parameter '" + axis.name +
             "' has no values, or characters beyond [a-z0-9_./]";
    }
  }
  return "";
}

const std::string& Mistakes() { return AllMistakes(); }

Register::Register(Case definition, const char* file) {
  const std::string mistake = MistakeIn(definition, file);
  if (!mistake.empty()) AllMistakes() += mistake + "\n";
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

InstanceInfo InstanceOf(const Case& definition, const Params& params) {
  InstanceInfo instance{.params = params,
                        .needs = definition.needs,
                        .suite = definition.suite,
                        .timeout_seconds = definition.timeout_seconds,
                        .oracle = {}};
  if (definition.adjust != nullptr) definition.adjust(params, instance);
  return instance;
}

}  // namespace oomgate
