// SPDX-License-Identifier: Apache-2.0
// The model's own reader; what it does not like becomes one line.
#include "runner/report/read_run.h"

#include <string>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {

std::filesystem::path RunJsonAt(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? path / "run.json"
                                                      : path;
}

Run ReadRun(const std::filesystem::path& run_json) {
  const std::string text = LoadBytes(run_json);
  try {
    return Json::parse(text).get<Run>();
  } catch (const std::exception& error) {
    throw UserError(run_json.string() + ": not a run.json: " + error.what());
  }
}

std::vector<Run> ReadRuns(const std::vector<std::string>& paths) {
  std::vector<Run> runs;
  for (const std::string& path : paths) {
    runs.push_back(ReadRun(RunJsonAt(path)));
  }
  return runs;
}

}  // namespace oomgate
