// SPDX-License-Identifier: Apache-2.0
// What lies between a good and a bad end.
#include "runner/bisect/ends.h"

#include <fmt/core.h>

#include <cmath>
#include <utility>

#include "runner/error.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

bool SaysNothing(const Result& result) {
  return result.verdict == Verdict::kBroken ||
         (result.verdict == Verdict::kLost && result.kernel.empty());
}

// Names of what differs: each can be asked for instead.
std::string Differing(const Result& good, const Result& bad) {
  std::string names;
  for (const auto& [name, value] : good.metrics) {
    const auto other = ValueOf(bad, name);
    if (other && *other != value) names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "" : "; --metric takes one of " + names;
}

}  // namespace

std::optional<double> ValueOf(const Result& result, const std::string& name) {
  for (const auto* values : {&result.metrics, &result.values}) {
    const auto found = values->find(name);
    if (found != values->end()) return found->second;
  }
  return std::nullopt;
}

Ends::Ends(Result good, Result bad, std::string value)
    : good_(std::move(good)), bad_(std::move(bad)), value_(std::move(value)) {
  for (const auto& [name, end] : {std::pair("good", &good_), {"bad", &bad_}}) {
    if (SaysNothing(*end)) {
      throw UserError(
          fmt::format("the {} end says nothing: {}", name, ShortReason(*end)));
    }
    if (!value_.empty() && !ValueOf(*end, value_)) {
      throw UserError(fmt::format("the {} end has no value {}: {}", name,
                                  value_, ShortReason(*end)));
    }
  }
  if (value_.empty() && good_.verdict == bad_.verdict) {
    throw UserError(
        fmt::format("both ends are a {}: there is nothing to find{}",
                    ToText(good_.verdict), Differing(good_, bad_)));
  }
  if (!value_.empty() && ValueOf(good_, value_) == ValueOf(bad_, value_)) {
    throw UserError(
        fmt::format("{} is {} at both ends: there is nothing to find", value_,
                    NumberText(*ValueOf(good_, value_))));
  }
}

StepOutcome Ends::Like(const Result& result) const {
  if (SaysNothing(result)) return {BisectAnswer::kSkip, ShortReason(result)};
  if (value_.empty()) {
    const BisectAnswer answer =
        result.verdict == good_.verdict  ? BisectAnswer::kGood
        : result.verdict == bad_.verdict ? BisectAnswer::kBad
                                         : BisectAnswer::kSkip;
    return {answer, ShortReason(result)};
  }
  const auto value = ValueOf(result, value_);
  if (!value)
    return {BisectAnswer::kSkip, "no " + value_ + ": " + ShortReason(result)};
  const double from_good = std::abs(*value - *ValueOf(good_, value_));
  const double from_bad = std::abs(*value - *ValueOf(bad_, value_));
  return {from_bad < from_good ? BisectAnswer::kBad : BisectAnswer::kGood,
          fmt::format("{} is {}", value_, NumberText(*value))};
}

}  // namespace oomgate
