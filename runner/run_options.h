// SPDX-License-Identifier: Apache-2.0
// The options of every verb that runs cases: what is run, where, and how.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "runner/run_cases.h"

namespace oomgate {

// What was added, to be asked after parsing.
struct AddedRunOptions {
  std::vector<CLI::Option*> guest;   // any of these means a guest
  std::vector<CLI::Option*> repeat;  // what repeating an instance needs
};

// All but the patterns, which are every verb's own.
AddedRunOptions AddRunOptions(CLI::App& verb, RunOptions& options);

// After parsing: completes `options`, and returns what was given of
// `added.repeat`, as typed. Throws UserError where options exclude each other.
std::vector<std::string> CompleteRunOptions(const AddedRunOptions& added,
                                            RunOptions& options);

}  // namespace oomgate
