// SPDX-License-Identifier: Apache-2.0
// A comparison for programs.
#include <cmath>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/report/comparison.h"

namespace oomgate {
namespace {

// JSON has no infinity: what was 0 has no share.
Json Finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json SideJson(const std::string& name, int runs, int interrupted) {
  return {{"name", name}, {"runs", runs}, {"interrupted", interrupted}};
}

Json Of(const MetricChange& change) {
  Json json = {{"instance", change.slot.instance},
               {"shape", change.slot.shape},
               {"metric", change.metric.name},
               {"kind", change.metric.kind},
               {"unit", change.metric.unit},
               {"judgement", ToText(change.judgement)},
               {"reason", change.reason},
               {"before", change.before},
               {"now", change.now},
               {"relative", Finite(change.relative)},
               {"base_samples", change.base_samples},
               {"samples", change.samples}};
  if (change.smallest_effect) {
    json["smallest_effect"] = Finite(*change.smallest_effect);
  }
  if (change.pairs_needed) json["pairs_needed"] = *change.pairs_needed;
  return json;
}

}  // namespace

std::string ComparisonJson(const Comparison& comparison) {
  Json json = {{"base", SideJson(comparison.base, comparison.base_runs,
                                 comparison.base_interrupted)},
               {"candidate", SideJson(comparison.candidate, comparison.runs,
                                      comparison.interrupted)},
               {"gate", comparison.gate},
               {"across", Json::array()},
               {"differences", Json::array()},
               {"verdicts", Json::array()},
               {"metrics", Json::array()},
               {"one_sided", Json::array()},
               {"counts", Json::object()}};
  for (const Matter matter : comparison.across) {
    json["across"].push_back(ToText(matter));
  }
  for (const Difference& d : comparison.differences) {
    json["differences"].push_back({{"matter", ToText(d.matter)},
                                   {"what", d.what},
                                   {"base", d.base},
                                   {"candidate", d.candidate},
                                   {"shapes", d.shapes}});
  }
  for (const VerdictChange& change : comparison.verdicts) {
    Json verdict = {{"instance", change.slot.instance},
                    {"shape", change.slot.shape},
                    {"before", change.before},
                    {"now", change.now},
                    {"judgement", ToText(change.judgement)},
                    {"reason", change.reason}};
    if (!change.checks.empty()) verdict["checks"] = change.checks;
    if (!change.also.empty()) verdict["also"] = change.also;
    if (!change.left_out.empty()) verdict["left_out"] = change.left_out;
    json["verdicts"].push_back(std::move(verdict));
  }
  for (const MetricChange& change : comparison.metrics) {
    json["metrics"].push_back(Of(change));
  }
  for (const OneSided& one : comparison.one_sided) {
    json["one_sided"].push_back({{"instance", one.slot.instance},
                                 {"shape", one.slot.shape},
                                 {"metric", one.metric},
                                 {"side", one.in_base ? "base" : "candidate"},
                                 {"verdict", one.verdict}});
  }
  for (std::size_t i = 0; i < std::size(kJudgementNames); ++i) {
    json["counts"][kJudgementNames[i]] =
        comparison.Count(static_cast<Judgement>(i));
  }
  return json.dump(2, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomgate
