// SPDX-License-Identifier: Apache-2.0
// What a case measures, and how two values of it may be compared.
#pragma once

#include <string>

namespace oomgate {

enum class Better { kNeither, kLower, kHigher };
inline constexpr const char* kBetterNames[] = {"neither", "lower", "higher"};
constexpr const char* ToText(Better better) {
  return kBetterNames[static_cast<int>(better)];
}

enum class Kind {
  kExact,         // a count: one differing value is a finding
  kBounded,       // a tolerance that has a cause
  kInstructions,  // deterministic cost: relative gate
  kTime,          // noisy: compared in pairs only
};
inline constexpr const char* kKindNames[] = {"exact", "bounded", "instructions",
                                             "time"};
constexpr const char* ToText(Kind kind) {
  return kKindNames[static_cast<int>(kind)];
}

struct Metric {
  std::string name;
  Better better = Better::kNeither;
  std::string unit = "count";
  Kind kind = Kind::kExact;
  double tolerance = 0;    // kBounded: absolute, in `unit`
  std::string cause = {};  // kBounded: why it may differ that much
  // Which value it is, of the subject's trace or the kit's ("lock.grown"); ""
  // where it has the metric's own name. Known to the inside only.
  std::string value = {};
  bool operator==(const Metric&) const = default;
};

}  // namespace oomgate
