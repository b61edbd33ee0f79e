// SPDX-License-Identifier: Apache-2.0
// The folder of a bisect: log.jsonl, a line for each step as soon as it is
// over, and what the steps left. A crash costs the step that was going on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oomgate/model/json.h"
#include "runner/bisect/trial.h"

namespace oomgate {

void to_json(Json& j, const Trial& trial);
void from_json(const Json& j, Trial& trial);

class BisectLog {
 public:
  // Makes the folder, or goes on with what is in it. A line that was cut off
  // does not count. Throws UserError where it cannot be written, or where its
  // log is about something else than `question`.
  BisectLog(std::filesystem::path folder, const Json& question);

  const std::filesystem::path& folder() const { return folder_; }
  // For the runs of the steps.
  std::filesystem::path runs() const { return folder_ / "runs"; }
  const std::vector<Trial>& trials() const { return trials_; }

  // The last trial of that key, or nullptr; until the next Append.
  const Trial* Find(const std::string& key) const;

  // Throws UserError on a full disk.
  void Append(const Trial& trial);

  // A path as the log has it: below the folder.
  std::string Below(const std::filesystem::path& path) const;

 private:
  void Write(const Json& line) const;

  std::filesystem::path folder_;
  std::vector<Trial> trials_;
};

}  // namespace oomgate
