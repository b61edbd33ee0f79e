// SPDX-License-Identifier: Apache-2.0
// `oomgate compare --ab`: runs both sides itself, pair by pair, and confirms
// what it finds with fresh samples.
#pragma once

#include <optional>
#include <string>

#include "runner/compare/ab.h"
#include "runner/compare/compare.h"
#include "runner/run_cases.h"

namespace oomgate {

struct AbOptions {
  RunOptions run;  // of both but the kernel; patterns say what is run
  std::string kernel_a;
  std::string kernel_b;
  PairPlan plan = {};
};

// Nothing where it was interrupted. Throws UserError and HarnessError.
std::optional<Comparison> CompareKernels(const AbOptions& options,
                                         const CompareOptions& compare);

}  // namespace oomgate
