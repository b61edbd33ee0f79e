// SPDX-License-Identifier: Apache-2.0
// Takes a run apart by shape, and leaves out what is noise.
#include "runner/compare/baseline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "runner/compare/load.h"
#include "runner/error.h"
#include "runner/kernel/release.h"
#include "runner/record/run_folder.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

bool IsBlessed(const Result& result) {
  return !result.shape.empty() && (result.verdict == Verdict::kPass ||
                                   result.verdict == Verdict::kKnown ||
                                   result.verdict == Verdict::kSkip);
}

// The first of each kind, in an order that does not depend on who was first.
std::vector<Start> StartsOf(const Run& run, const std::string& shape) {
  const auto key = [](const Start& s) {
    return std::tie(s.kernel, s.version, s.command_line, s.taint, s.settings);
  };
  std::vector<Start> starts;
  for (Start start : run.starts) {
    if (start.shape != shape) continue;
    start.boot_seconds = 0;
    starts.push_back(std::move(start));
  }
  std::ranges::sort(starts, {}, key);
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  return starts;
}

Result Blessed(const Result& result, const std::set<std::string>& noisy) {
  Result blessed;
  blessed.id = result.id;
  blessed.params = result.params;
  blessed.verdict = result.verdict;
  blessed.end = result.end;
  blessed.place = result.place;
  blessed.shape = result.shape;
  // Which steps, not why: reasons hold numbers of the machine.
  for (const LeftOut& out : result.left_out) {
    blessed.left_out.push_back({out.step, ""});
  }
  // Its starts say which kernel: once, not in every result.
  for (const auto& [name, value] : result.metrics) {
    if (!noisy.contains(name)) blessed.metrics[name] = value;
  }
  return blessed;
}

std::set<std::string> SeriesIn(const Run& run, const std::string& shape) {
  std::set<std::string> series;
  for (const Start& start : run.starts) {
    if (start.shape == shape) series.insert(SeriesOf(start.kernel));
  }
  return series;
}

}  // namespace

fs::path FileOf(const Baseline& baseline) {
  return fs::path(baseline.shape) / (baseline.series + ".json");
}

std::string NeverFit(const Run& run) {
  if (run.invert) return "it ran with --invert";
  if (!run.without.empty()) return "it ran with --without=" + run.without;
  return "";
}

std::string Unfit(const Run& run) {
  if (const std::string never = NeverFit(run); !never.empty()) return never;
  if (run.shard) return "it is one shard: merge them first";
  if (run.interrupted || run.finished.empty()) {
    return "it is not whole: it was interrupted or cut off";
  }
  std::map<Verdict, std::vector<std::string>> bad;
  for (const Result& result : run.results) {
    if (result.verdict == Verdict::kFail || result.verdict == Verdict::kLost ||
        result.verdict == Verdict::kBroken) {
      bad[result.verdict].push_back(
          ToText(InstanceName{result.id, result.params}));
    }
  }
  std::string why;
  for (const auto& [verdict, names] : bad) {
    why += fmt::format("{}{} {} ({})", why.empty() ? "it has " : ", ",
                       names.size(), ToText(verdict), fmt::join(names, ", "));
  }
  return why;
}

std::vector<Baseline> BaselinesOf(const Run& run) {
  std::map<std::string, std::vector<const Result*>> by_shape;
  for (const Result& result : run.results) {
    if (IsBlessed(result)) by_shape[result.shape].push_back(&result);
  }
  std::vector<Baseline> baselines;
  for (auto& [shape, results] : by_shape) {
    const std::set<std::string> series = SeriesIn(run, shape);
    if (series.empty()) continue;
    Baseline baseline{shape, *series.begin(), {}};
    Run& blessed = baseline.run;
    blessed.schema = run.schema;
    blessed.oomgate = run.oomgate;
    blessed.starts = StartsOf(run, shape);
    std::ranges::sort(results, {}, [](const Result* result) {
      return std::pair(result->id, result->params.ToText());
    });
    for (const Result* result : results) {
      std::set<std::string> noisy;
      if (const auto at = run.metrics.find(result->id);
          at != run.metrics.end()) {
        blessed.metrics.insert(*at);
        for (const Metric& metric : at->second) {
          if (metric.kind == Kind::kTime) {
            noisy.insert(metric.name);
          }
        }
      }
      blessed.results.push_back(Blessed(*result, noisy));
    }
    baselines.push_back(std::move(baseline));
  }
  return baselines;
}

std::string ToJsonText(const Baseline& baseline) {
  return ToJsonText(baseline.run);
}

bool IsBaseline(const Run& run) {
  return run.started.empty() && run.command.empty();
}

Baseline LoadBaseline(const fs::path& file) {
  Baseline baseline;
  baseline.run = LoadRun(file);
  const auto refuse = [&](const std::string& why) {
    throw UserError(file.string() + ": no baseline: " + why);
  };
  if (!IsBaseline(baseline.run)) refuse("it is a run; bless it");
  if (baseline.run.starts.empty()) refuse("it has no starts");
  baseline.shape = baseline.run.starts[0].shape;
  baseline.series = SeriesOf(baseline.run.starts[0].kernel);
  for (const Start& start : baseline.run.starts) {
    if (start.shape != baseline.shape) refuse("starts of several shapes");
    if (SeriesOf(start.kernel) != baseline.series) {
      refuse("starts of several kernel series");
    }
  }
  for (const Result& result : baseline.run.results) {
    if (result.shape != baseline.shape) {
      refuse(fmt::format("{} ran in {}, the file is of {}",
                         ToText(InstanceName{result.id, result.params}),
                         result.shape, baseline.shape));
    }
  }
  return baseline;
}

}  // namespace oomgate
