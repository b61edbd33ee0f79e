// SPDX-License-Identifier: Apache-2.0
// A run.json, whole: with the evidence that reports show.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oomgate/model/run.h"

namespace oomgate {

// `path`, or the run.json in it where it is a folder.
std::filesystem::path RunJsonAt(const std::filesystem::path& path);

// Throws UserError with the file and what is wrong with it.
Run ReadRun(const std::filesystem::path& run_json);

// Several, each a file or a folder.
std::vector<Run> ReadRuns(const std::vector<std::string>& paths);

}  // namespace oomgate
