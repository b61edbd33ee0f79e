// SPDX-License-Identifier: Apache-2.0
// The metrics for github-action-benchmark, which draws one chart by name. It
// takes one direction a file, and reports an empty one as an error.
#include <fmt/core.h>

#include <set>

#include "oomgate/model/json.h"
#include "runner/report/formats.h"
#include "runner/report/inert.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

// Of instances whose oracle held: what a failed one measured is no history.
std::string Entries(const Run& run, Better better) {
  Json entries = Json::array();
  std::set<std::string> used;
  for (const Result& result : run.results) {
    if (result.verdict != Verdict::kPass) continue;
    const Json values = Numbers(result.metrics);
    for (const auto& [name, value] : values.items()) {
      const Metric metric = MetricOf(run, result, name);
      if (metric.better != better) continue;
      const std::string title =
          fmt::format("{} {} ({})", NameOf(result), name, result.shape);
      Json entry = {{"name", Once(used, title, " #")},
                    {"unit", metric.unit},
                    {"value", value},
                    {"extra", fmt::format("kernel {}\n{}", result.kernel,
                                          ToText(metric.kind))}};
      if (metric.tolerance > 0) {
        entry["range"] = fmt::format("± {}", metric.tolerance);
      }
      entries.push_back(entry);
    }
  }
  return InertJson(entries);
}

}  // namespace

std::string ToBenchmarkAction(const Reported& reported) {
  return Entries(reported.run, Better::kLower);
}

std::string ToBenchmarkActionBigger(const Reported& reported) {
  return Entries(reported.run, Better::kHigher);
}

}  // namespace oomgate
