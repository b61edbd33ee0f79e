// SPDX-License-Identifier: Apache-2.0
// Expectations put to a host: one line each, with what the kernel answered.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/validate/profile.h"

namespace oomgate {

struct Checked {
  enum class State { kOk, kWarning, kFail, kSkipped };
  std::string profile = {};
  std::string name = {};
  State state = State::kOk;
  std::string evidence = {};  // or why it was skipped
  // Only where it does not hold.
  std::string remedy = {};
  std::string cost = {};
  std::string source = {};
  bool operator==(const Checked&) const = default;
};

inline constexpr const char* kCheckedNames[] = {"OK", "WARNING", "FAIL",
                                                "SKIPPED"};
constexpr const char* ToText(Checked::State state) {
  return kCheckedNames[static_cast<int>(state)];
}

// What comes of an expectation that holds, does not hold, or cannot be checked.
Checked Holding(const HostProfile& profile, const Expectation& expectation,
                bool holds, const std::string& evidence);
Checked Skipping(const HostProfile& profile, const Expectation& expectation,
                 const std::string& why);

// Reads files only. `root` stands for "/" in tests.
Checked CheckKnob(const HostProfile& profile, const Expectation& expectation,
                  const KnobCheck& knob,
                  const std::filesystem::path& root = "/");
Checked CheckProcesses(const HostProfile& profile,
                       const Expectation& expectation,
                       const ProcessCheck& check,
                       const std::filesystem::path& root = "/");

}  // namespace oomgate
