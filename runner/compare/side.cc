// SPDX-License-Identifier: Apache-2.0
// Runs to samples.
#include "runner/compare/side.h"

#include <algorithm>

namespace oomgate {
namespace {

Result ExampleOf(const Result& result) {
  Result example;
  example.verdict = result.verdict;
  example.reason = result.reason;
  example.checks = result.checks;
  example.also = result.also;
  example.left_out = result.left_out;
  return example;
}

}  // namespace

void Side::Add(const Run& run) {
  ++runs;
  // A baseline has neither beginning nor end.
  const bool cut_off = run.finished.empty() && !run.started.empty();
  if (run.interrupted || cut_off) ++interrupted;
  Fingerprint next;
  next.Add(run);
  // Files of one baseline have no shape in common.
  const bool related = std::ranges::any_of(next.shapes, [&](const auto& shape) {
    return fingerprint.shapes.contains(shape.first);
  });
  if (related) {
    for (const Difference& difference : DifferencesOf(fingerprint, next)) {
      if (difference.matter == Matter::kNote) continue;
      if (std::ranges::find(mixed, difference) == mixed.end()) {
        mixed.push_back(difference);
      }
    }
  }
  if (!(next == fingerprint)) fingerprint.Add(run);
  for (const auto& [id, metrics] : run.metrics) declared[id] = metrics;
  for (const Result& result : run.results) {
    Samples& samples =
        slots[{ToText(InstanceName{result.id, result.params}), result.shape}];
    samples.id = result.id;
    ++samples.verdicts[result.verdict];
    if (!samples.examples.contains(result.verdict)) {
      samples.examples[result.verdict] = ExampleOf(result);
    }
    if (result.verdict == Verdict::kPass) {
      ++samples.ends[result.end];
      if (run.schema == kOldestSchema) samples.left_out.reset();
      for (const LeftOut& out : result.left_out) {
        if (samples.left_out) samples.left_out->insert(out.step);
      }
    }
    // A subject that did not do its deed measured something else.
    if (result.verdict != Verdict::kPass && result.verdict != Verdict::kKnown) {
      continue;
    }
    for (const auto& [name, value] : result.metrics) {
      samples.metrics[name].push_back(value);
    }
  }
}

}  // namespace oomgate
