// SPDX-License-Identifier: Apache-2.0
// A comparison, of which one line is wanted.
#include "runner/bisect/cost.h"

#include <fmt/core.h>

#include <map>

#include "runner/compare/compare.h"
#include "runner/compare/load.h"
#include "runner/compare/sides.h"
#include "runner/error.h"

namespace oomgate {
namespace {

std::string NamesOf(const std::map<std::string, std::vector<double>>& metrics) {
  std::string names;
  for (const auto& [name, values] : metrics) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

}  // namespace

void CheckCostBaseline(const std::string& baseline) {
  for (const auto& file : FindRuns(baseline)) LoadRun(file);
}

std::optional<MetricChange> CostChange(const Run& run,
                                       const std::string& metric, double gate,
                                       const std::string& baseline) {
  const Result& result = run.results.at(0);
  if (result.verdict != Verdict::kPass && result.verdict != Verdict::kKnown) {
    return std::nullopt;
  }
  const Slot slot{ToText(InstanceName{result.id, result.params}), result.shape};
  const Side base = LoadBase(baseline, RanIn(run));
  const auto samples = base.slots.find(slot);
  if (samples == base.slots.end()) {
    throw UserError(fmt::format("{}: has no {} in {}", baseline, slot.instance,
                                slot.shape));
  }
  if (!samples->second.metrics.contains(metric)) {
    throw UserError(fmt::format("{}: of {} it has no metric {}; there are {}",
                                baseline, slot.instance, metric,
                                NamesOf(samples->second.metrics)));
  }
  Side candidate;
  candidate.Add(run);
  const Comparison comparison =
      Compare(base, candidate,
              {.across = {Matter::kKernel}, .gate = gate, .noise = {}});
  for (const MetricChange& change : comparison.metrics) {
    if (change.slot == slot && change.metric.name == metric) return change;
  }
  return std::nullopt;
}

}  // namespace oomgate
