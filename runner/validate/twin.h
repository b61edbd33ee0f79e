// SPDX-License-Identifier: Apache-2.0
// A guest that is set up like this host: for probes that could hurt.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/run_cases.h"

namespace oomgate {

struct Twin {
  std::string kernel;  // what --kernel takes
  std::string append;  // command line: the host's words, its settings
  std::string memory;  // "512m"
  std::string swap;    // as large a part of the RAM as on the host
  int nodes = 1;
  std::string accel = "auto";
  std::vector<std::string> scaled;  // what differs from the host, a line each
};

// What a twin of this host would be. `root` stands for "/" in tests; of
// `releases`, kernels that can be booted, the nearest is taken where the
// host's own image cannot be read.
Twin TwinOf(const std::vector<std::string>& releases, Bytes memory,
            const std::filesystem::path& root = "/");

}  // namespace oomgate
