// SPDX-License-Identifier: Apache-2.0
// Finds oomgate-cases and oomgate-init in a build tree and once installed.
#include "runner/programs.h"

#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "runner/error.h"

namespace oomgate {

namespace fs = std::filesystem;

Programs FindPrograms() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) throw HarnessError("/proc/self/exe: " + error.message());
  return FindPrograms(self.parent_path(), std::getenv("OOMGATE_LIBEXEC"));
}

Programs FindPrograms(const fs::path& folder, const char* override_folder) {
  std::vector<fs::path> folders;
  if (override_folder != nullptr && *override_folder != '\0') {
    folders = {override_folder};
  } else {
    folders = {folder,
               (folder / ".." / "libexec" / "oomgate").lexically_normal()};
  }
  std::string looked;
  const auto look = [&](const char* name, int access) -> std::string {
    looked.clear();
    for (const fs::path& candidate : folders) {
      const fs::path file = fs::absolute(candidate / name);
      if (::access(file.c_str(), access) == 0) return file.string();
      looked += (looked.empty() ? "" : ", ") + candidate.string();
    }
    return "";
  };
  const auto find = [&](const char* name) {
    std::string file = look(name, X_OK);
    if (!file.empty()) return file;
    throw UserError(std::string(name) + " not found in " + looked +
                    ": build it (cmake --build), install oomgate again, or "
                    "name its folder in OOMGATE_LIBEXEC");
  };
  return {.cases = find("oomgate-cases"),
          .init = find("oomgate-init"),
          .profiler = look("oomgate-profile.so", R_OK)};
}

}  // namespace oomgate
