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
           other.shape == result.shape;
  });
  return same == run.results.end() ? nullptr : &*same;
}

void TakeBest(Result& result, const Result& other,
              const std::vector<Metric>& times) {
  if (result.verdict != other.verdict) {
    if (result.verdict == Verdict::kPass) result = other;
    return;
  }
  for (const Metric& time : times) {
    const auto value = result.metrics.find(time.name);
    const auto found = other.metrics.find(time.name);
    if (value == result.metrics.end() || found == other.metrics.end()) continue;
    value->second = time.better == Better::kLower
                        ? std::min(value->second, found->second)
                        : std::max(value->second, found->second);
  }
}

}  // namespace

bool HasNoisyTimes(const Run& run) {
  const bool emulated = std::ranges::all_of(run.starts, [](const Start& start) {
    return start.accelerator == "tcg";
  });
  if (emulated) return false;
  return std::ranges::any_of(run.metrics, [&](const auto& declared) {
    return !TimesOf(run, declared.first).empty();
  });
}

Run BestOf(std::vector<Run> runs) {
  Run best = std::move(runs.front());
  runs.erase(runs.begin());
  for (Result& result : best.results) {
    const std::vector<Metric> times = TimesOf(best, result.id);
    for (const Run& run : runs) {
      const Result* const same = SameIn(run, result);
      if (same != nullptr) TakeBest(result, *same, times);
    }
  }
  return best;
}

}  // namespace oomgate
