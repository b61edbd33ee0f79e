// SPDX-License-Identifier: Apache-2.0
// Reads run.json files and baselines: thousands of them in seconds, and what is
// wrong with one in one line.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

// One file, without what is evidence for a reader and no matter for a
// comparison: values, oom, console. Throws UserError with file, line and field.
Run LoadRun(const std::filesystem::path& file);

// The same from a text that `name` stands for in errors.
Run ParseRun(std::string_view text, const std::string& name);

// The files that `path` means, in order of their names: a file itself, a run
// folder's run.json, or all runs and *.json below a folder of them (two levels
// down: <shape>/<series>.json). Throws UserError where there is none.
std::vector<std::filesystem::path> FindRuns(const std::filesystem::path& path);

}  // namespace oomgate
