// SPDX-License-Identifier: Apache-2.0
// A good and a bad end that both were run, and what lies between them. Pure.
#pragma once

#include <optional>
#include <string>

#include "oomgate/model/result.h"
#include "runner/bisect/answer.h"

namespace oomgate {

// The value of that name that the case left, or its metric.
std::optional<double> ValueOf(const Result& result, const std::string& name);

class Ends {
 public:
  // `value`: "": verdicts are told apart, else values of that name. Throws
  // UserError where both ends are alike, or say nothing.
  Ends(Result good, Result bad, std::string value);

  // good or bad: as the end that it is like; a value, as the end that it is
  // nearer to. skip: like neither.
  StepOutcome Like(const Result& result) const;

 private:
  Result good_;
  Result bad_;
  std::string value_;
};

}  // namespace oomgate
