// SPDX-License-Identifier: Apache-2.0
// Runs come in any order; they are put in theirs at the end.
#include "runner/compare/history.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace oomgate {
namespace {

std::string MachineOf(const Run& run, const Result& result) {
  for (const Start& start : run.starts) {
    if (start.shape != result.shape || start.kernel != result.kernel) continue;
    return start.accelerator.empty() ? start.cpu
                                     : start.accelerator + ", " + start.cpu;
  }
  return "";
}

bool Before(const Series& a, const Series& b) {
  const auto names = [](const Series& s) {
    return std::tie(s.id, s.params.values(), s.shape, s.kernel, s.machine,
                    s.metric.name);
  };
  return names(a) < names(b);
}

}  // namespace

std::string KernelSeries(const std::string& release) {
  const std::size_t dot = release.find('.');
  return release.substr(0, release.find_first_not_of("0123456789", dot + 1));
}

void HistoryBuilder::Add(const Run& run, std::string file) {
  const auto at = static_cast<std::uint32_t>(history_.runs.size());
  history_.runs.push_back({run.started, std::move(file)});
  std::string key;
  for (const Result& result : run.results) {
    if (result.verdict != Verdict::kPass && result.verdict != Verdict::kKnown) {
      continue;
    }
    const auto declared = run.metrics.find(result.id);
    if (declared == run.metrics.end()) continue;
    const std::string kernel = across_ ? "" : KernelSeries(result.kernel);
    const std::string machine = MachineOf(run, result);
    key = result.id + '\n' + result.params.ToText() + '\n' + result.shape +
          '\n' + kernel + '\n';
    const std::size_t place = key.size();
    for (const Metric& metric : declared->second) {
      const auto value = result.metrics.find(metric.name);
      if (value == result.metrics.end()) continue;
      const bool time = metric.kind == Kind::kTime;
      key.resize(place);
      key += metric.name;
      if (time) key += '\n' + machine;
      const auto [found, is_new] =
          index_.try_emplace(key, history_.series.size());
      if (is_new) {
        history_.series.push_back({.id = result.id,
                                   .params = result.params,
                                   .shape = result.shape,
                                   .kernel = kernel,
                                   .machine = time ? machine : "",
                                   .metric = metric});
      }
      Series& series = history_.series[found->second];
      series.runs.push_back(at);
      series.values.push_back(value->second);
    }
  }
}

History HistoryBuilder::Finish() && {
  std::vector<HistoryRun>& runs = history_.runs;
  std::vector<std::uint32_t> order(runs.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::uint32_t i) {
    return std::tie(runs[i].started, runs[i].file);
  });
  std::vector<std::uint32_t> rank(runs.size());
  std::vector<HistoryRun> sorted;
  for (const std::uint32_t i : order) {
    rank[i] = static_cast<std::uint32_t>(sorted.size());
    sorted.push_back(std::move(runs[i]));
  }
  runs = std::move(sorted);
  for (Series& series : history_.series) {
    std::vector<std::pair<std::uint32_t, double>> points;
    for (std::size_t i = 0; i < series.runs.size(); ++i) {
      points.emplace_back(rank[series.runs[i]], series.values[i]);
    }
    std::ranges::sort(points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      std::tie(series.runs[i], series.values[i]) = points[i];
    }
  }
  std::ranges::sort(history_.series, Before);
  return std::move(history_);
}

}  // namespace oomgate
