// SPDX-License-Identifier: Apache-2.0
// OpenMetrics text: what a scrape, or a node exporter's textfile, takes in.
#include <fmt/core.h>

#include <set>

#include "runner/report/formats.h"
#include "runner/report/results.h"

namespace oomgate {
namespace {

std::string Label(const char* name, const std::string& value) {
  std::string text = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text + "\"";
}

// What tells one result from the others. Where the same instance ran twice in
// the same place, `repeat` does.
std::vector<std::string> LabelsOf(const Run& run) {
  std::vector<std::string> labels;
  std::set<std::string> used;
  for (const Result& result : run.results) {
    const std::string text = Label("case", result.id) + "," +
                             Label("params", result.params.ToText()) + "," +
                             Label("shape", result.shape) + "," +
                             Label("kernel", result.kernel);
    labels.push_back(Once(used, text, ",repeat=\"", "\""));
  }
  return labels;
}

std::string Family(const char* name, const char* help, const char* unit = "") {
  std::string text = fmt::format("# TYPE {} gauge\n", name);
  if (*unit != '\0') text += fmt::format("# UNIT {} {}\n", name, unit);
  return text + fmt::format("# HELP {} {}\n", name, help);
}

std::string MetricLabels(const Run& run, const Result& result,
                         const std::string& name) {
  const Metric metric = MetricOf(run, result, name);
  return Label("metric", name) + "," + Label("unit", metric.unit) + "," +
         Label("kind", ToText(metric.kind)) + "," +
         Label("better", ToText(metric.better));
}

}  // namespace

std::string ToOpenmetrics(const Reported& reported) {
  const Run& run = reported.run;
  const std::vector<std::string> labels = LabelsOf(run);
  std::string text =
      Family("oomgate_run", "1 for the verdict of the whole run.");
  text += "oomgate_run{" + Label("verdict", reported.verdict) + "} 1\n";

  text += Family("oomgate_results", "Results by verdict.");
  for (const char* verdict : kVerdictNames) {
    int count = 0;
    for (const Result& result : run.results) {
      count += std::string(ToText(result.verdict)) == verdict ? 1 : 0;
    }
    text += fmt::format("oomgate_results{{{}}} {}\n", Label("verdict", verdict),
                        count);
  }
  text += Family("oomgate_result", "1 for the verdict of each instance.");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += fmt::format("oomgate_result{{{},{}}} 1\n", labels[i],
                        Label("verdict", ToText(run.results[i].verdict)));
  }
  text += Family("oomgate_duration_seconds",
                 "Begin to result, in the place's own clock.", "seconds");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += fmt::format("oomgate_duration_seconds{{{}}} {}\n", labels[i],
                        run.results[i].seconds);
  }
  text += Family("oomgate_metric", "What the cases measured.");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (const auto& [name, value] : run.results[i].metrics) {
      text += fmt::format("oomgate_metric{{{},{}}} {}\n", labels[i],
                          MetricLabels(run, run.results[i], name), value);
    }
  }
  return text + "# EOF\n";
}

}  // namespace oomgate
