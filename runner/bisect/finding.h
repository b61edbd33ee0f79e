// SPDX-License-Identifier: Apache-2.0
// What a bisect found, as a person reads it at its end. Pure but for the names
// of the consoles.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/bisect/trial.h"

namespace oomgate {

struct BisectFinding {
  std::string culprit;  // "first bad commit: 1234abcd mm: …"
  // The last good and the first bad step, where they were tried here.
  std::optional<Trial> before = {};
  std::optional<Trial> now = {};
  std::vector<std::string> notes = {};  // what is less than sure
  std::string again = {};               // the command that shows it
};

// `folder`: the bisect's.
std::string FindingText(const BisectFinding& finding,
                        const std::filesystem::path& folder);

// The kernel logs of a run, by name.
std::vector<std::filesystem::path> ConsolesIn(const std::filesystem::path& run);

}  // namespace oomgate
