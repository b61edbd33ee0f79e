// SPDX-License-Identifier: Apache-2.0
// What this machine has, as far as plans and checks depend on it, and how it
// is asked.
#pragma once

#include <filesystem>
#include <string>

#include "oomgate/model/units.h"

namespace oomgate {

struct Machine {
  int cpus = 1;  // that this process may use
  int nodes = 1;
  Bytes memory = {};     // MemTotal
  Bytes available = {};  // MemAvailable
  Bytes swap = {};       // SwapTotal
  int cgroup = 0;        // version of the memory controller; 0: none
};

// `root` stands for "/" in tests.
Machine ReadMachine(const std::filesystem::path& root = "/");

// The first line of a file of /proc or /sys; "" where it cannot be read.
std::string FirstLine(const std::filesystem::path& file);

}  // namespace oomgate
