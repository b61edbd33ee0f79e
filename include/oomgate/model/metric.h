// SPDX-License-Identifier: Apache-2.0
// What a case measures, and how two values of it may be compared.
#pragma once

#include <string>
#include <utility>

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

  // What most are, for `.metrics` of a case: bytes, a number of things, or a
  // time, of which less is better. `value` as above.
  static Metric Size(std::string name, std::string value = {}) {
    return {.name = std::move(name),
            .better = Better::kLower,
            .unit = "bytes",
            .value = std::move(value)};
  }
  static Metric Count(std::string name, std::string value = {}) {
    return {.name = std::move(name),
            .better = Better::kLower,
            .value = std::move(value)};
  }
  static Metric Time(std::string name, std::string unit,
                     std::string value = {}) {
    return {.name = std::move(name),
            .better = Better::kLower,
            .unit = std::move(unit),
            .kind = Kind::kTime,
            .value = std::move(value)};
  }
  Metric HigherIsBetter() && { return Judged(Better::kHigher); }
  Metric EitherWay() && { return Judged(Better::kNeither); }
  // It may differ by so much of its unit, because of that.
  Metric Within(double most, std::string why) && {
    kind = Kind::kBounded;
    tolerance = most;
    cause = std::move(why);
    return std::move(*this);
  }

 private:
  Metric Judged(Better by) {
    better = by;
    return std::move(*this);
  }
};

}  // namespace oomgate
