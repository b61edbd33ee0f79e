// SPDX-License-Identifier: Apache-2.0
// One side of a comparison: the samples that its runs give, and nothing else of
// them, so that a thousand runs fit.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/params.h"
#include "oomgate/model/result.h"
#include "oomgate/model/run.h"
#include "runner/compare/fingerprint.h"

namespace oomgate {

// An instance in one shape: what is compared.
struct Slot {
  std::string instance;  // "pages/global_oom[stride=2m]"
  std::string shape;
  bool operator==(const Slot&) const = default;
  bool operator<(const Slot& other) const {
    return std::tie(instance, shape) < std::tie(other.instance, other.shape);
  }
};

// What one slot did, in as many runs as it was in.
struct Samples {
  std::string id;
  std::map<Verdict, int> verdicts;
  // Why, by the first of each verdict: of that, reason, checks, findings and
  // left-out steps only.
  std::map<Verdict, Result> examples;
  std::map<std::string, int> ends;  // of passes: how it ended
  // Of passes: the steps that were left out of any; nothing where a run of
  // schema 1 is among them, which does not say.
  std::optional<std::set<std::string>> left_out = std::set<std::string>{};
  std::map<std::string, std::vector<double>> metrics;  // of passes and knowns
};

struct Side {
  int runs = 0;
  int interrupted = 0;  // of them: not every planned instance has a result
  std::map<Slot, Samples> slots;
  std::map<std::string, std::vector<Metric>> declared;  // by case id
  Fingerprint fingerprint;
  // By which a run differs from the ones before it.
  std::vector<Difference> mixed;

  void Add(const Run& run);
};

}  // namespace oomgate
