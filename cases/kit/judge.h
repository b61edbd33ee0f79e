// SPDX-License-Identifier: Apache-2.0
// Judges one instance: needs, bystanders, subject, evidence, oracle.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cases/kit/box.h"
#include "cases/kit/subject.h"
#include "oomgate/case.h"
#include "oomgate/model/result.h"

namespace oomgate {

struct Judged {
  Verdict verdict = Verdict::kBroken;
  std::string reason;
  std::vector<FailedCheck> checks;
  std::vector<Finding> also;
  std::vector<LeftOut> left_out;
  std::optional<Outcome> outcome;  // nothing where no subject ran
  std::vector<Sample> samples;
  double seconds = 0;
};

struct JudgeOptions {
  bool invert = false;  // expects the oracle not to hold
  // The machine was made for the instance (a guest). A setting that it refuses
  // is no reason to skip; a new taint or kernel warning is a failure.
  bool promised = false;
  // A step whose act is left out, or a setting that is left alone (its path):
  // shows which checks hold although nothing was done.
  std::string without = {};
};

Judged Judge(const Case& definition, const Params& params, const BoxView& box,
             const JudgeOptions& options = {});

// How a subject ended, from evidence: wait status, deadline, what it left, and
// how often the box's OOM killer struck meanwhile; by the names of the steps.
Outcome Classify(const SubjectEnd& end, const Trace& trace,
                 std::int64_t oom_kills,
                 const std::vector<std::string>& steps = {});

}  // namespace oomgate
