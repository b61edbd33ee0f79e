// SPDX-License-Identifier: Apache-2.0
// What is expected of a subject, as a list of named checks: each holds, or says
// what it saw and what it expected.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oomgate/model/result.h"

namespace oomgate {

struct Outcome;

// How a subject ended and what it left, as one step sees it: a value of its own
// is found by its short name, any other as "<step>.<name>".
struct View {
  const Outcome& outcome;
  std::string step = {};
  std::optional<std::int64_t> Value(const std::string& name) const;
};

struct Check {
  std::string value;     // what is looked at: "grown"
  std::string expected;  // "4 MiB"
  // What is there instead; nothing where it is as expected.
  std::function<std::optional<std::string>(const View&)> seen_instead;
  // Values that it needs: where a subject dies before it set them, nothing can
  // be said.
  std::vector<std::string> of_values = {};
};

// Holds where all its checks do. An empty one always holds.
class Oracle {
 public:
  Oracle() = default;
  Oracle(Check check) : checks_{std::move(check)} {}

  Oracle& operator+=(const Oracle& more) {
    checks_.insert(checks_.end(), more.checks_.begin(), more.checks_.end());
    return *this;
  }
  const std::vector<Check>& checks() const { return checks_; }
  // Whether it looks at a value of that name.
  bool LooksAt(std::string_view value) const;

 private:
  std::vector<Check> checks_;
};

// All of them.
template <std::same_as<Oracle>... More>
Oracle AllOf(Oracle oracle, const More&... more) {
  ((oracle += more), ...);
  return oracle;
}
Oracle AllOf(const std::vector<Oracle>& oracles);

// The checks of a step that do not hold.
std::vector<FailedCheck> FailedChecks(const Oracle& oracle, const View& view);

// How the subject ended: the value that Survives, OomKilled, KilledBy look at.
inline constexpr const char* kEnd = "end";
// What an act returned: 0, or errno.
inline constexpr const char* kErrno = "errno";

}  // namespace oomgate
