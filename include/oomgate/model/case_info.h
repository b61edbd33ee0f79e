// SPDX-License-Identifier: Apache-2.0
// A case as the outside sees it: what `oomgate-cases --list` prints.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/needs.h"
#include "oomgate/model/params.h"

namespace oomgate {

// One combination of a case's parameters; its needs may depend on them.
struct InstanceInfo {
  Params params;
  Needs needs;
  bool operator==(const InstanceInfo&) const = default;
};

struct CaseInfo {
  std::string id;
  std::string summary;   // one line: the promise
  std::string explains;  // where it comes from, what to look at: free text
  Blast blast = Blast::kProcess;
  int timeout_seconds = 30;  // the subject's
  // Proves the harness, not the kernel: runs only when it is named.
  bool meta = false;
  std::vector<Metric> metrics;
  std::vector<InstanceInfo> instances;
  bool operator==(const CaseInfo&) const = default;
};

}  // namespace oomgate
