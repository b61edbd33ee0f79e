// SPDX-License-Identifier: Apache-2.0
// The outcome of one instance in one place.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "oomgate/model/params.h"

namespace oomgate {

enum class Verdict {
  kPass,    // the oracle holds
  kKnown,   // it does not, inside a declared window
  kSkip,    // a need does not hold
  kFail,    // the oracle does not hold
  kBroken,  // the harness could not do its part
  kLost,    // begun, never ended: hang, panic, judge killed
};
inline constexpr const char* kVerdictNames[] = {"pass", "known",  "skip",
                                                "fail", "broken", "lost"};
constexpr const char* ToText(Verdict verdict) {
  return kVerdictNames[static_cast<int>(verdict)];
}

// The kernel's own report of the OOM kill that ended the subject.
struct OomReport {
  std::string constraint;  // "CONSTRAINT_MEMCG"; "" where the kernel kept quiet
  std::string nodemask;
  std::string oom_memcg;  // the cgroup that hit its limit; "" for a global OOM
  std::string task_memcg;
  std::string invoked_by;  // comm of the task whose allocation failed
  std::string victim;      // comm
  std::int64_t pid = 0;
  std::int64_t total_vm_kb = -1;  // -1: the kernel did not say
  std::int64_t anon_rss_kb = -1;
  std::int64_t file_rss_kb = -1;
  std::int64_t shmem_rss_kb = -1;
  std::int64_t pgtables_kb = -1;
  std::int64_t oom_score_adj = 0;
  bool global = false;
  bool operator==(const OomReport&) const = default;
};

struct Result {
  std::string id;
  Params params;
  Verdict verdict = Verdict::kBroken;
  std::string reason;  // why it is not a pass; "" for a pass
  std::string end;     // how the subject ended: "exited 0", "oom-killed", …
  std::string place;   // "host", "cgroup", "vm"
  std::string shape;   // "vm-256m-1cpu"
  std::string kernel;  // release it ran on
  double seconds = 0;  // begin to result, in the place's own clock
  std::map<std::string, double> metrics;  // what the case declared
  std::map<std::string, double> values;   // everything the subject left
  std::optional<OomReport> oom;
  std::string console;  // excerpt of the kernel log; not for a pass
  bool operator==(const Result&) const = default;
};

}  // namespace oomgate
