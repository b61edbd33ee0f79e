// SPDX-License-Identifier: Apache-2.0
// What the suite can use of this machine, and what would mend the rest.
#pragma once

#include <string>
#include <vector>

#include "runner/this_machine.h"

namespace oomgate {

struct DoctorCheck {
  enum class State { kOk, kWarning, kMissing };
  std::string name;
  State state = State::kOk;
  std::string detail;  // what was found
  std::string remedy;  // what to do; "" where all is well
};

struct Diagnosis {
  std::vector<DoctorCheck> checks;
  std::vector<std::string> places;  // that can be used
};

// Looks; changes nothing but a file and a cgroup that are removed again.
Diagnosis Diagnose(const std::string& results);

// "[kvm]…OK: …" lines, in the manner of redis-server --check-system.
std::string DoctorText(const Diagnosis& diagnosis);
std::string DoctorJson(const Diagnosis& diagnosis);

}  // namespace oomgate
