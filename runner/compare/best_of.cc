// SPDX-License-Identifier: Apache-2.0
// Looks each time of the first run up in the others.
#include "runner/compare/best_of.h"

#include <algorithm>

namespace oomgate {
namespace {

// Of the declared metrics of a case: the times of which one is better.
std::vector<Metric> TimesOf(const Run& run, const std::string& id) {
  std::vector<Metric> times;
  const auto declared = run.metrics.find(id);
  if (declared == run.metrics.end()) return times;
  for (const Metric& metric : declared->second) {
    if (metric.kind == Kind::kTime && metric.better != Better::kNeither) {
      times.push_back(metric);
    }
  }
  return times;
}

const Result* SameIn(const Run& run, const Result& result) {
  const auto same = std::ranges::find_if(run.results, [&](const Result& other) {
    return other.id == result.id && other.params == result.params &&
           other.shape == result.shape && other.verdict == result.verdict;
  });
  return same == run.results.end() ? nullptr : &*same;
}

}  // namespace

bool HasNoisyTimes(const Run& run) {
  const bool emulated = std::ranges::all_of(run.starts, [](const Start& start) {
    return start.accelerator == "tcg";
  });
  if (emulated) return false;
  return std::ranges::any_of(run.results, [&](const Result& result) {
    return std::ranges::any_of(
        TimesOf(run, result.id),
        [&](const Metric& time) { return result.metrics.contains(time.name); });
  });
}

Run BestOf(std::vector<Run> runs) {
  Run best = std::move(runs.front());
  runs.erase(runs.begin());
  for (Result& result : best.results) {
    for (const Metric& time : TimesOf(best, result.id)) {
      const auto value = result.metrics.find(time.name);
      if (value == result.metrics.end()) continue;
      for (const Run& run : runs) {
        const Result* const same = SameIn(run, result);
        if (same == nullptr) continue;
        const auto other = same->metrics.find(time.name);
        if (other == same->metrics.end()) continue;
        value->second = time.better == Better::kLower
                            ? std::min(value->second, other->second)
                            : std::max(value->second, other->second);
      }
    }
  }
  return best;
}

}  // namespace oomgate
