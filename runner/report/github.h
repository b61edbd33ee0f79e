// SPDX-License-Identifier: Apache-2.0
// What a step of GitHub Actions says: commands on stdout, and the two files
// that the step may append to.
#pragma once

#include <cstddef>
#include <string>

#include "runner/report/reported.h"

namespace oomgate {

struct GithubStep {
  std::string commands;  // for stdout: annotations, at most 10 of a type
  std::string summary;   // for the file that GITHUB_STEP_SUMMARY names
  std::string outputs;   // for the file that GITHUB_OUTPUT names
};

struct GithubFiles {
  std::string run_json;  // where there are several, a blank between them
  std::string report;    // "" where none was written
  // GitHub drops a summary that is larger, and what is there already counts.
  std::size_t summary_limit = 1 << 20;
};

GithubStep ToGithubStep(const Reported& reported, const GithubFiles& files);

// A step's text for stdout, where the step may not write to the file that
// `variable` names: each line after the variable's name.
std::string ShownInstead(const char* variable, const std::string& text);

}  // namespace oomgate
