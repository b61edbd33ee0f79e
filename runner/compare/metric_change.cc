// SPDX-License-Identifier: Apache-2.0
// No distributions here: where there is no noise, one value is enough.
#include "runner/compare/metric_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runner/compare/shift.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

// How far apart counts of the same kernel may lie, as a share of them: a change
// of the gate's size is not to hide behind that.
constexpr double kStray = .0005;

struct Range {
  double low;
  double high;
  double Width() const { return high - low; }
};

Range RangeOf(Values values) {
  const auto [low, high] = std::ranges::minmax(values);
  return {low, high};
}

// How far apart two values of the two sides can be at most.
double Furthest(const Range& a, const Range& b) {
  return std::max(a.high - b.low, b.high - a.low);
}

std::string Several(Values values, const std::string& what) {
  return values.size() > 1
             ? fmt::format("{} of {} samples", what, values.size())
             : "";
}

void JudgeExact(MetricChange& change, Values base, Values candidate) {
  const Range was = RangeOf(base);
  const Range is = RangeOf(candidate);
  if (was.Width() == 0 && is.Width() == 0 && was.low == is.low) return;
  if (was.Width() > 0 && is.low <= was.high && is.high >= was.low) {
    change.judgement = Judgement::kInconclusive;
    change.reason =
        fmt::format("a count that varied on the base itself, {} to {}",
                    NumberText(was.low), NumberText(was.high));
    return;
  }
  const bool more = is.high > was.high;
  const bool less = is.low < was.low;
  change.judgement = more && less ? Judgement::kChanged
                                  : FindingOf(change.metric.better, more);
  change.reason = "exact";
  const auto others = std::ranges::count_if(
      candidate, [&](double v) { return v < was.low || v > was.high; });
  const std::string several = Several(candidate, std::to_string(others));
  if (!several.empty()) change.reason += ": " + several + " differ";
}

void JudgeBounded(MetricChange& change, Values base, Values candidate) {
  const Range was = RangeOf(base);
  const Range is = RangeOf(candidate);
  const Metric& metric = change.metric;
  const std::string tolerance =
      fmt::format("{}{}", NumberText(metric.tolerance),
                  metric.cause.empty() ? "" : " (" + metric.cause + ")");
  if (Furthest(was, is) <= metric.tolerance) {
    change.reason = "within " + tolerance;
    return;
  }
  if (was.Width() > metric.tolerance) {
    change.judgement = Judgement::kInconclusive;
    change.reason = "the base itself varied by more than " + tolerance;
    return;
  }
  const bool more = is.high - was.low > metric.tolerance;
  const bool less = was.high - is.low > metric.tolerance;
  change.judgement =
      more && less ? Judgement::kChanged : FindingOf(metric.better, more);
  change.reason = fmt::format("{} apart, more than {}",
                              NumberText(Furthest(was, is)), tolerance);
}

void JudgeInstructions(MetricChange& change, Values base, Values candidate,
                       double gate) {
  const double scale = std::abs(change.before);
  const auto within = [&](const Range& range) {
    return range.Width() < std::max(gate * scale, 1.0);
  };
  const std::string text = PercentText(gate);
  if (!within(RangeOf(base)) || !within(RangeOf(candidate))) {
    change.judgement = Judgement::kInconclusive;
    change.reason = "samples of one side lie further apart than " + text;
    return;
  }
  if (change.before == change.now) return;
  const bool more = change.now > change.before;
  // One step of a clock that counts whole units is none.
  const double step = change.metric.kind == Kind::kTime ? 1 : 0;
  const double apart = std::abs(change.now - change.before);
  if (apart < (gate - kStray) * scale || apart <= step) {
    change.reason = apart <= step ? "one step of its clock" : "within " + text;
    return;
  }
  change.judgement = FindingOf(change.metric.better, more);
  change.reason = "gate " + text;
}

}  // namespace

MetricChange Measured(const Metric& metric, Values base, Values candidate) {
  MetricChange change;
  change.metric = metric;
  change.base_samples = static_cast<int>(base.size());
  change.samples = static_cast<int>(candidate.size());
  change.before = Median(base);
  change.now = Median(candidate);
  const double difference = change.now - change.before;
  change.relative = difference == 0      ? 0
                    : change.before == 0 ? std::copysign(INFINITY, difference)
                                         : difference / std::abs(change.before);
  return change;
}

MetricChange JudgeMetric(const Metric& metric, Values base, Values candidate,
                         double gate) {
  MetricChange change = Measured(metric, base, candidate);
  switch (metric.kind) {
    case Kind::kExact:
      JudgeExact(change, base, candidate);
      break;
    case Kind::kBounded:
      JudgeBounded(change, base, candidate);
      break;
    case Kind::kInstructions:
    case Kind::kTime:
      JudgeInstructions(change, base, candidate, gate);
      break;
  }
  return change;
}

Judgement FindingOf(Better better, bool more) {
  if (better == Better::kNeither) return Judgement::kChanged;
  return more == (better == Better::kLower) ? Judgement::kRegressed
                                            : Judgement::kImproved;
}

}  // namespace oomgate
