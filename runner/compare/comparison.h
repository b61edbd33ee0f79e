// SPDX-License-Identifier: Apache-2.0
// What a comparison says: a value, for reports to render and gates to count.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oomgate/model/metric.h"
#include "runner/compare/fingerprint.h"
#include "runner/compare/side.h"

namespace oomgate {

// Worst first.
enum class Judgement {
  kRegressed,
  kChanged,  // it differs, and nobody said which way is better
  kImproved,
  kInconclusive,  // what there is cannot tell
  kEquivalent,
};
inline constexpr const char* kJudgementNames[] = {
    "REGRESSED", "CHANGED", "IMPROVED", "INCONCLUSIVE", "EQUIVALENT"};
constexpr const char* ToText(Judgement judgement) {
  return kJudgementNames[static_cast<int>(judgement)];
}

// How the verdict of an instance, or how it ended, compares.
struct VerdictChange {
  Slot slot;
  std::string before;  // "pass", "4 pass, 1 fail"
  std::string now;
  Judgement judgement = Judgement::kEquivalent;
  std::string reason;  // one sentence
  // What the candidate found, where the reason is that of a result.
  std::vector<FailedCheck> checks = {};
  std::vector<Finding> also = {};
  std::vector<LeftOut> left_out = {};
};

struct MetricChange {
  Slot slot;
  std::string id;  // of the case
  Metric metric;
  int base_samples = 0;
  int samples = 0;
  double before = 0;  // medians
  double now = 0;
  double relative = 0;  // .03: 3 % more now; infinite where it was 0
  Judgement judgement = Judgement::kEquivalent;
  std::string reason;
  // Where times are compared: the smallest share by which it could have
  // changed and been seen, and how many samples a side would see 10 %.
  std::optional<double> smallest_effect = {};
  std::optional<int> pairs_needed = {};
};

// An instance, or a metric of one, that one side alone has.
struct OneSided {
  Slot slot;
  std::string metric;  // "": the instance
  bool in_base = false;
  std::string verdict;
};

struct Comparison {
  std::string base;  // what the user called it
  std::string candidate;
  int base_runs = 0;
  int runs = 0;
  int base_interrupted = 0;
  int interrupted = 0;
  Across across;
  double gate = 0;
  std::vector<Difference> differences;
  // All that both sides have, EQUIVALENT ones too; worst first.
  std::vector<VerdictChange> verdicts;
  std::vector<MetricChange> metrics;
  std::vector<OneSided> one_sided;

  int Count(Judgement judgement) const;
};

// By judgement; metrics of one, by how far they are apart.
void SortWorstFirst(Comparison& comparison);

}  // namespace oomgate
