// SPDX-License-Identifier: Apache-2.0
// A case as the outside sees it: what `oomgate-cases --list` prints.
#pragma once

#include <string>
#include <vector>

#include "oomgate/model/metric.h"
#include "oomgate/model/needs.h"
#include "oomgate/model/params.h"

namespace oomgate {

// How often an instance is worth its time. Each holds the ones before it.
enum class Suite {
  kQuick,    // a minute for all
  kDefault,  // minutes
  kNightly,  // what takes its time
};
inline constexpr const char* kSuiteNames[] = {"quick", "default", "nightly"};
constexpr const char* ToText(Suite suite) {
  return kSuiteNames[static_cast<int>(suite)];
}

// What a reader asks of a case beyond its promise.
struct Explanation {
  std::string claim = {};      // the sentence it stands for, and who says so
  std::string deed = {};       // what the subject does; steps say it themselves
  std::string functions = {};  // the kernel's, that keep the promise
  std::string look_at = {};    // when it fails
  bool operator==(const Explanation&) const = default;
};

// One combination of a case's parameters; the rest may depend on them.
struct InstanceInfo {
  Params params;
  Needs needs;
  Suite suite = Suite::kDefault;
  int timeout_seconds = 30;  // the subject's
  std::string oracle;        // what is expected, by the numbers of this machine
  bool operator==(const InstanceInfo&) const = default;
};

struct CaseInfo {
  std::string id;
  std::string summary;  // one line: the promise
  Explanation explains;
  Blast blast = Blast::kProcess;
  // The promise is a panic of the guest's kernel with these words.
  std::string panics;
  std::vector<std::string> steps = {};  // their names, in order
  // Proves the harness, not the kernel: runs only when it is named.
  bool meta = false;
  std::vector<Metric> metrics;
  std::vector<InstanceInfo> instances;
  bool operator==(const CaseInfo&) const = default;
};

}  // namespace oomgate
