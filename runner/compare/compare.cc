// SPDX-License-Identifier: Apache-2.0
// Pairs the slots of two sides, and hands each metric to who can judge it.
#include "runner/compare/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "oomgate/model/environment.h"
#include "runner/compare/metric_change.h"
#include "runner/compare/time_change.h"
#include "runner/compare/verdict_change.h"
#include "runner/error.h"

namespace oomgate {
namespace {

std::string Lines(const std::vector<Difference>& differences) {
  std::string text;
  for (const std::string& line : LinesOf(differences)) text += "\n  " + line;
  return text;
}

void RefuseOrGoOn(const Side& base, const Side& candidate,
                  const std::vector<Difference>& differences,
                  const Across& across) {
  // Samples of several kernels are samples of none.
  for (const auto& [side, name] : {std::pair{&base, "the base's runs"},
                                   std::pair{&candidate, "the candidates"}}) {
    if (!side->mixed.empty() && !across.contains(Matter::kPlace)) {
      throw UserError(fmt::format(
          "{} differ among themselves, so they are not samples of one:{}", name,
          Lines(side->mixed)));
    }
  }
  const std::vector<Difference> refused =
      RefusedDifferences(differences, across);
  if (refused.empty()) return;
  std::set<std::string> needed;
  for (const Difference& d : refused) needed.insert(ToText(d.matter));
  const bool place = needed.contains(ToText(Matter::kPlace));
  throw UserError(fmt::format(
      "what was measured in places that differ says nothing by itself (base | "
      "candidate):{}\nto compare all the same: --across={}",
      Lines(refused),
      place ? "any" : fmt::format("{}", fmt::join(needed, ","))));
}

// The slots that are compared, base first. An instance that was skipped because
// no place could take it has no shape, and is the same one all the same; else
// another shape is another place.
using Pairs = std::vector<std::pair<Slot, Slot>>;
Pairs PairsOf(const Side& base, const Side& candidate, bool other_shapes) {
  Pairs pairs;
  std::map<std::string, std::vector<Slot>> right;
  for (const auto& [slot, samples] : candidate.slots) {
    if (!base.slots.contains(slot)) right[slot.instance].push_back(slot);
  }
  std::map<std::string, std::vector<Slot>> left;
  for (const auto& [slot, samples] : base.slots) {
    if (candidate.slots.contains(slot)) {
      pairs.emplace_back(slot, slot);
    } else if (right.contains(slot.instance)) {
      left[slot.instance].push_back(slot);
    }
  }
  for (const auto& [instance, slots] : left) {
    const std::vector<Slot>& others = right.at(instance);
    if (slots.size() > 1 || others.size() > 1) continue;
    if (other_shapes || slots[0].shape.empty() || others[0].shape.empty()) {
      pairs.emplace_back(slots[0], others[0]);
    }
  }
  return pairs;
}

Metric DeclaredMetric(const Side& side, const std::string& id,
                      const std::string& name) {
  if (const auto at = side.declared.find(id); at != side.declared.end()) {
    const auto metric = std::ranges::find(at->second, name, &Metric::name);
    if (metric != at->second.end()) return *metric;
  }
  return {.name = name};
}

bool CountsInstructions(const Slot& slot) {
  return slot.shape.ends_with("-" + std::string(ToText(Clock::kInstructions)));
}

// "vm-256m-1cpu", or both where they are not the same.
Slot Shown(const Slot& base, const Slot& candidate) {
  if (base.shape == candidate.shape || base.shape.empty()) return candidate;
  if (candidate.shape.empty()) return base;
  return {candidate.instance, base.shape + " | " + candidate.shape};
}

struct Judging {
  const Side& base;
  const Side& candidate;
  const CompareOptions& options;
  Comparison& out;
  std::vector<TimeSamples> times = {};

  void Pair(const Slot& base_slot, const Slot& slot) {
    const Samples& was = base.slots.at(base_slot);
    const Samples& is = candidate.slots.at(slot);
    const Slot shown = Shown(base_slot, slot);
    out.verdicts.push_back(JudgeVerdicts(shown, was, is));
    // Without a result that counts there is nothing to miss.
    const bool both = !was.metrics.empty() && !is.metrics.empty();
    for (const auto& [name, values] : was.metrics) {
      if (!is.metrics.contains(name) && both) {
        out.one_sided.push_back({shown, name, true, ""});
      }
    }
    for (const auto& [name, values] : is.metrics) {
      const auto before = was.metrics.find(name);
      if (before != was.metrics.end()) {
        Compare(base_slot, slot, is.id, name, before->second, values);
      } else if (both && !IsKnownTime(is.id, name)) {
        out.one_sided.push_back({shown, name, false, ""});
      }
    }
  }

  void Compare(const Slot& base_slot, const Slot& slot, const std::string& id,
               const std::string& name, const std::vector<double>& before,
               const std::vector<double>& now) {
    const Metric metric = DeclaredMetric(candidate, id, name);
    const auto add = [&](MetricChange change) {
      change.slot = Shown(base_slot, slot);
      change.id = id;
      return change;
    };
    // By the instruction clock a time is a count, though of more than its
    // subject: other tasks run within it.
    if (metric.kind == Kind::kTime &&
        !(CountsInstructions(base_slot) && CountsInstructions(slot))) {
      times.push_back({add(Measured(metric, before, now)), before, now,
                       NoiseOf(slot, name)});
    } else {
      out.metrics.push_back(add(JudgeMetric(
          metric, before, now,
          metric.kind == Kind::kTime ? std::max(options.gate, kTimeGuard)
                                     : options.gate)));
    }
  }

  // A baseline declares its times, but does not keep them.
  bool IsKnownTime(const std::string& id, const std::string& name) const {
    return DeclaredMetric(base, id, name).kind == Kind::kTime;
  }

  Noise NoiseOf(const Slot& slot, const std::string& name) const {
    const auto at = options.noise.find(slot);
    if (at == options.noise.end()) return {};
    const auto noise = at->second.find(name);
    return noise == at->second.end() ? Noise{} : noise->second;
  }
};

void AddAlone(const Side& side, bool in_base, const std::set<Slot>& paired,
              std::vector<OneSided>& out) {
  for (const auto& [slot, samples] : side.slots) {
    if (paired.contains(slot)) continue;
    out.push_back({slot, "", in_base, VerdictsText(samples.verdicts)});
  }
}

}  // namespace

void SortWorstFirst(Comparison& comparison) {
  std::ranges::stable_sort(comparison.verdicts, {}, &VerdictChange::judgement);
  std::ranges::stable_sort(
      comparison.metrics, {}, [](const MetricChange& change) {
        return std::tuple(change.judgement, -std::abs(change.relative));
      });
}

int Comparison::Count(Judgement judgement) const {
  return static_cast<int>(
      std::ranges::count(verdicts, judgement, &VerdictChange::judgement) +
      std::ranges::count(metrics, judgement, &MetricChange::judgement));
}

Comparison Compare(const Side& base, const Side& candidate,
                   const CompareOptions& options) {
  Comparison out;
  out.base_runs = base.runs;
  out.runs = candidate.runs;
  out.base_interrupted = base.interrupted;
  out.interrupted = candidate.interrupted;
  out.across = options.across;
  out.gate = options.gate;
  out.differences = DifferencesOf(base.fingerprint, candidate.fingerprint);
  RefuseOrGoOn(base, candidate, out.differences, options.across);

  const Pairs pairs =
      PairsOf(base, candidate, options.across.contains(Matter::kPlace));
  if (pairs.empty()) {
    throw UserError("the two sides have no instance in common");
  }
  Judging judging{base, candidate, options, out};
  std::set<Slot> of_base;
  std::set<Slot> of_candidate;
  for (const auto& [before, now] : pairs) {
    judging.Pair(before, now);
    of_base.insert(before);
    of_candidate.insert(now);
  }
  JudgeTimes(judging.times, options.look);
  for (TimeSamples& time : judging.times) {
    out.metrics.push_back(std::move(time.change));
  }
  AddAlone(base, true, of_base, out.one_sided);
  AddAlone(candidate, false, of_candidate, out.one_sided);
  SortWorstFirst(out);
  return out;
}

int ExitCodeOf(const Comparison& comparison, const FailOn& fail_on) {
  const bool regressed = comparison.Count(Judgement::kRegressed) > 0;
  const bool changed = comparison.Count(Judgement::kChanged) > 0;
  if ((fail_on.regressed || fail_on.changed) && regressed) return kExitFailure;
  if (fail_on.changed && changed) return kExitFailure;
  if (fail_on.inconclusive && comparison.Count(Judgement::kInconclusive) > 0) {
    return kExitInconclusive;
  }
  return kExitOk;
}

}  // namespace oomgate
