// SPDX-License-Identifier: Apache-2.0
// The user's command that makes the kernel of a step.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "runner/cancel.h"

namespace oomgate {

// Runs `command` by sh(1) here, with what it says in `log`. "" where it
// succeeded, else why not, in one line. What it started is gone on return, also
// where it takes longer than `deadline`. Throws Interrupted, HarnessError.
std::string Build(const std::string& command, const std::filesystem::path& log,
                  std::chrono::seconds deadline, const Cancel& cancel);

}  // namespace oomgate
