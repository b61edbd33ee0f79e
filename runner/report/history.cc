// SPDX-License-Identifier: Apache-2.0
// What changed, when, from what to what, and how certain that is.
#include "runner/report/history.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "oomgate/model/json.h"
#include "runner/report/sparkline.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

constexpr std::size_t kWidth = 60;

std::string NumberText(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 1e15) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{:.4g}", value);
}

double Relative(const ChangePoint& change) {
  return change.now == change.before
             ? 0
             : (change.now - change.before) / std::abs(change.before);
}

// "+23.1 %, worse".
std::string HowMuch(const ChangePoint& change, Better better) {
  const double relative = Relative(change);
  std::string text = std::isfinite(relative)
                         ? fmt::format("{:+.1f} %", 100 * relative)
                         : "from nothing";
  if (better == Better::kNeither) return text;
  const bool wanted =
      (change.now > change.before) == (better == Better::kHigher);
  return text + (wanted ? ", better" : ", worse");
}

// The largest change of a series; confirmed ones come before all others.
double Weight(const Trend& trend) {
  double most = 0;
  for (const ChangePoint& change : trend.changes) {
    most = std::max(most, std::min(std::abs(Relative(change)), 1e6) +
                              (change.confirmed ? 1e9 : 0));
  }
  return most;
}

std::string Title(const Series& series) {
  std::string text =
      ToText(InstanceName{series.id, series.params}) + " " + series.metric.name;
  if (series.metric.unit != "count") text += " in " + series.metric.unit;
  text += "  " + series.shape;
  if (!series.kernel.empty()) text += "  " + series.kernel;
  if (!series.machine.empty()) text += "  (" + series.machine + ")";
  return Printable(text);
}

void PrintTrend(std::FILE* out, const History& history, const Trend& trend) {
  const Series& series = *trend.series;
  const auto [low, high] = std::ranges::minmax(series.values);
  fmt::print(out, "{}\n  {}  {} … {} in {} runs\n", Title(series),
             Sparkline(series.values, kWidth), NumberText(low),
             NumberText(high), series.values.size());
  for (const ChangePoint& change : trend.changes) {
    const HistoryRun& run = history.runs[series.runs[change.at]];
    fmt::print(out, "  {}  {}: {} -> {} ({})", run.started,
               change.confirmed ? "confirmed" : "suspect",
               NumberText(change.before), NumberText(change.now),
               HowMuch(change, series.metric.better));
    if (change.p > 0) fmt::print(out, ", p {:.1g}", change.p);
    if (!change.confirmed) {
      fmt::print(out, ", {} of {} runs confirm it",
                 series.values.size() - change.at, kConfirming);
    }
    fmt::print(out, "\n    {}\n", Printable(run.file));
  }
}

Json ChangeJson(const Series& series, const ChangePoint& change) {
  const double relative = Relative(change);
  return {{"run", series.runs[change.at]},
          {"before", change.before},
          {"now", change.now},
          {"relative", std::isfinite(relative) ? Json(relative) : Json()},
          {"p", change.p},
          {"confirmed", change.confirmed}};
}

}  // namespace

void PrintHistory(std::FILE* out, const History& history,
                  std::vector<Trend> trends, bool all) {
  std::ranges::stable_sort(trends, std::ranges::greater(), Weight);
  int changed = 0;
  int confirmed = 0;
  int suspect = 0;
  for (const Trend& trend : trends) {
    changed += trend.changes.empty() ? 0 : 1;
    for (const ChangePoint& change : trend.changes) {
      ++(change.confirmed ? confirmed : suspect);
    }
    if (all || !trend.changes.empty()) PrintTrend(out, history, trend);
  }
  fmt::print(out,
             "{} runs, {} series: {} changed ({} confirmed points, {} "
             "suspect)\n",
             history.runs.size(), trends.size(), changed, confirmed, suspect);
}

void PrintHistoryJson(std::FILE* out, const History& history,
                      const std::vector<Trend>& trends) {
  const auto print = [&](const Json& line, bool last) {
    fmt::print(out, "{}{}\n",
               line.dump(-1, ' ', false, Json::error_handler_t::replace),
               last ? "" : ",");
  };
  fmt::print(out, "{{\"runs\": [\n");
  for (const HistoryRun& run : history.runs) {
    print({{"started", run.started}, {"file", run.file}},
          &run == &history.runs.back());
  }
  fmt::print(out, "], \"series\": [\n");
  for (const Trend& trend : trends) {
    const Series& s = *trend.series;
    Json changes = Json::array();
    for (const ChangePoint& change : trend.changes) {
      changes.push_back(ChangeJson(s, change));
    }
    print({{"id", s.id},
           {"params", s.params},
           {"shape", s.shape},
           {"kernel", s.kernel},
           {"machine", s.machine},
           {"metric", s.metric},
           {"runs", s.runs},
           {"values", s.values},
           {"changes", changes}},
          &trend == &trends.back());
  }
  fmt::print(out, "]}}\n");
}

}  // namespace oomgate
