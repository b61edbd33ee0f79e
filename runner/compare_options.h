// SPDX-License-Identifier: Apache-2.0
// The options that every verb which compares has.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "runner/compare/compare.h"

namespace oomgate {

// "1%", "0.5" as a share: .01, .005. Throws UserError that names the option.
double ShareFrom(const std::string& option, const std::string& text);

// --across=kernel,programs,any; --gate=1%; --calibration=FILE;
// --fail-on=regressed,….
void AddCompareOptions(CLI::App& verb, CompareOptions& options,
                       FailOn& fail_on);

// --format=human|json|markdown.
void AddComparisonFormat(CLI::App& verb, std::string& format);
std::string ComparisonIn(const std::string& format,
                         const Comparison& comparison);

}  // namespace oomgate
