// SPDX-License-Identifier: Apache-2.0
// Binary segmentation by the maximally selected rank statistic, then levels
// that the guard cannot tell apart are joined again.
#include "runner/compare/change_points.h"

#include <algorithm>
#include <cmath>

#include "runner/compare/mann_whitney.h"
#include "runner/compare/rank_split.h"
#include "runner/compare/shift.h"

namespace oomgate {
namespace {

// Of a level, the newest values are enough to judge those after it.
constexpr std::size_t kLevel = kExactUpTo - kConfirming;

using Values = std::span<const double>;

bool Differs(double before, double now, const Guard& guard) {
  return std::abs(now - before) >
         std::max(guard.distance, guard.share * std::abs(before));
}

void Split(Values all, std::size_t begin, std::size_t end,
           std::vector<ChangePoint>& points) {
  const RankSplit split =
      BestRankSplit(all.subspan(begin, end - begin), kConfirming);
  if (split.p >= kSplitAlpha) return;
  std::size_t part = begin;
  for (const std::size_t at : split.at) {
    Split(all, part, begin + at, points);
    part = begin + at;
    points.push_back({.at = part, .p = split.p});
  }
  Split(all, part, end, points);
}

// The medians on either side of points[i].
void Measure(Values all, std::vector<ChangePoint>& points, std::size_t i) {
  const std::size_t begin = i == 0 ? 0 : points[i - 1].at;
  const std::size_t end = i + 1 < points.size() ? points[i + 1].at : all.size();
  ChangePoint& point = points[i];
  point.before = Median(all.subspan(begin, point.at - begin));
  point.now = Median(all.subspan(point.at, end - point.at));
}

// Leaves the points that the guard tells apart; the closest levels join first.
void Join(Values all, std::vector<ChangePoint>& points, const Guard& guard) {
  for (std::size_t i = 0; i < points.size(); ++i) Measure(all, points, i);
  while (true) {
    const auto closest =
        std::ranges::min_element(points, {}, [&](const ChangePoint& point) {
          return Differs(point.before, point.now, guard)
                     ? INFINITY
                     : std::abs(point.now - point.before);
        });
    if (closest == points.end() ||
        Differs(closest->before, closest->now, guard)) {
      return;
    }
    const std::size_t i = closest - points.begin();
    points.erase(closest);
    if (i > 0) Measure(all, points, i - 1);
    if (i < points.size()) Measure(all, points, i);
  }
}

// The newest values, where they are too few to confirm that they are a level,
// but none of them is of the old one.
void Suspect(Values all, const Guard& guard, std::vector<ChangePoint>& points) {
  const std::size_t begin = points.empty() ? 0 : points.back().at;
  const Values last = all.subspan(begin);
  // A stretch that is too short to be split may have changed anywhere.
  const std::size_t most =
      last.size() < 2 * kConfirming ? last.size() : kConfirming;
  ChangePoint best{.p = kSplitAlpha};
  for (std::size_t after = 1; after < most; ++after) {
    const std::size_t at = last.size() - after;
    const Values level =
        last.subspan(at > kLevel ? at - kLevel : 0, std::min(at, kLevel));
    const Values tail = last.subspan(at);
    const double before = Median(level);
    const double now = Median(tail);
    const bool apart = std::ranges::all_of(tail, [&](double value) {
      return Differs(before, value, guard) &&
             (value > before) == (now > before);
    });
    if (!apart) break;  // nor is a longer tail
    // Each length of a tail, and each direction, is one more try. One value is
    // never enough, and not worth counting.
    const double p = !guard.noisy
                         ? 0
                         : 2 * (kConfirming - 1) *
                               (now > before ? RankTestLarger(level, tail)
                                             : RankTestLarger(tail, level));
    if (p < best.p || (p == 0 && best.p == 0)) {
      best = {begin + at, before, now, p, /*confirmed=*/false};
    }
  }
  if (best.p < kSplitAlpha) points.push_back(best);
}

}  // namespace

Guard GuardOf(const Metric& metric) {
  switch (metric.kind) {
    case Kind::kExact:
      return {};
    case Kind::kBounded:
      return {.distance = metric.tolerance};
    case Kind::kInstructions:
      return {.share = .01};
    case Kind::kTime:
      break;
  }
  return {.share = .03, .noisy = true};
}

std::vector<ChangePoint> FindChangePoints(std::span<const double> values,
                                          const Guard& guard) {
  std::vector<ChangePoint> points;
  Split(values, 0, values.size(), points);
  Join(values, points, guard);
  Suspect(values, guard, points);
  return points;
}

}  // namespace oomgate
