// SPDX-License-Identifier: Apache-2.0
// The profiles of a run, in its folder.
#include "runner/profile/profile_file.h"

#include <sstream>
#include <utility>

#include "oomgate/model/json.h"
#include "runner/error.h"
#include "runner/kernel/file.h"

namespace oomgate {

namespace fs = std::filesystem;

std::map<std::string, Profile> LoadProfiles(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? path / kProfileFile : path;
  if (!fs::exists(file)) {
    throw UserError(file.string() +
                    ": there is none; it comes with `oomgate run "
                    "--clock=instructions --profile-functions`");
  }
  std::map<std::string, Profile> profiles;
  std::istringstream lines(LoadBytes(file));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    try {
      Profile profile = Json::parse(line).get<Profile>();
      std::string instance = profile.instance;
      profiles.insert_or_assign(std::move(instance), std::move(profile));
    } catch (const Json::exception& error) {
      throw UserError(file.string() + ", line " + std::to_string(number) +
                      ": not a profile: " + error.what());
    }
  }
  return profiles;
}

}  // namespace oomgate
