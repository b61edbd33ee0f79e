// SPDX-License-Identifier: Apache-2.0
// Exit codes of `oomgate`, and the errors that choose one.
#pragma once

#include <stdexcept>
#include <string>

namespace oomgate {

enum Exit {
  kExitOk = 0,
  kExitFailure = 1,       // a failure or a regression
  kExitUsage = 2,         // usage, or input that cannot be read or used
  kExitInconclusive = 3,  // on request only
  kExitNothingRan = 4,
  kExitHarness = 70,       // the harness could not do its part
  kExitInterrupted = 130,  // Ctrl-C
};

// The user can mend this: says what failed, on what, and what to do. Exit 2.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The harness or the machine failed: exit 70, verdict `broken`.
struct HarnessError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace oomgate
