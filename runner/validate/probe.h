// SPDX-License-Identifier: Apache-2.0
// Probes of behaviour: an instance of a case, on this host or in a twin of it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/catalogue.h"
#include "runner/validate/check.h"
#include "runner/validate/twin.h"

namespace oomgate {

struct ProbeOptions {
  std::filesystem::path results;  // a folder for what runs leave
  std::chrono::steady_clock::time_point until;
  std::optional<Twin> twin = {};
};

// What the run of a probe says of this host: how it ended, and what did not
// hold; else what it measured.
std::string EvidenceOf(const Result& result);

// One after the other, each with what is left of the time. Throws UserError
// where a profile names an instance that there is not.
class Prober {
 public:
  explicit Prober(ProbeOptions options);
  Checked Check(const HostProfile& profile, const Expectation& expectation,
                const ProbeCheck& probe);

 private:
  ProbeOptions options_;
  Catalogue catalogue_;
  std::string no_boxes_;  // why none can be made without changing this host
};

}  // namespace oomgate
