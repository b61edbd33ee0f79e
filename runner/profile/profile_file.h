// SPDX-License-Identifier: Apache-2.0
// The profiles of a run, in its folder: one JSON object a line.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "oomgate/model/profile.h"

namespace oomgate {

inline constexpr const char* kProfileFile = "functions.jsonl";

// By instance. `path`: the file, or the run's folder. Throws UserError where it
// cannot be read.
std::map<std::string, Profile> LoadProfiles(const std::filesystem::path& path);

}  // namespace oomgate
