// SPDX-License-Identifier: Apache-2.0
// Whether an answer of the kernel is what was wanted.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "runner/validate/profile.h"

namespace oomgate {
namespace {

std::optional<std::int64_t> NumberOf(const std::string& text) {
  if (text == "unlimited" || text == "max") {
    return std::numeric_limits<std::int64_t>::max();
  }
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  // A size may be followed by its unit: "0 kB".
  if (read.ec != std::errc() || (read.ptr != end && *read.ptr != ' ')) {
    return std::nullopt;
  }
  return number;
}

std::string Chosen(const std::string& answer) {
  const std::size_t open = answer.find('[');
  const std::size_t close = answer.find(']', open);
  if (open == std::string::npos || close == std::string::npos) return answer;
  return answer.substr(open + 1, close - open - 1);
}

}  // namespace

std::string ToText(const Wanted& wanted) {
  switch (wanted.kind) {
    case Wanted::Kind::kEquals:
      return wanted.texts.front();
    case Wanted::Kind::kAtLeast:
      return fmt::format("at least {}", wanted.number);
    case Wanted::Kind::kAtMost:
      return fmt::format("at most {}", wanted.number);
    case Wanted::Kind::kOneOf:
      return fmt::format("one of {}", fmt::join(wanted.texts, ", "));
    case Wanted::Kind::kContains:
      return fmt::format("to contain {}", wanted.texts.front());
  }
  return "";
}

bool Holds(const Wanted& wanted, const std::string& answer) {
  const std::string chosen = Chosen(answer);
  const auto number = NumberOf(chosen);
  switch (wanted.kind) {
    case Wanted::Kind::kEquals:
    case Wanted::Kind::kOneOf:
      return std::ranges::find(wanted.texts, chosen) != wanted.texts.end();
    case Wanted::Kind::kAtLeast:
      return number && *number >= wanted.number;
    case Wanted::Kind::kAtMost:
      return number && *number <= wanted.number;
    case Wanted::Kind::kContains:
      return answer.find(wanted.texts.front()) != std::string::npos;
  }
  return false;
}

}  // namespace oomgate
