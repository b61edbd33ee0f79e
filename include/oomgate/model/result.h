// SPDX-License-Identifier: Apache-2.0
// The outcome of one instance in one place.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

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

// An expectation that did not hold, in words: "lock twice", "grown", "8 MiB",
// "4 MiB".
struct FailedCheck {
  std::string step;   // "" for what is expected of the case as a whole
  std::string value;  // its name; "end" for how the subject ended
  std::string seen;
  std::string expected;
  bool operator==(const FailedCheck&) const = default;
};

// What was found besides the expectations.
struct Finding {
  std::string what;  // one of the kinds below
  std::string text;  // "Shmem +4096 kB"
  bool operator==(const Finding&) const = default;
};
inline constexpr const char* kLeftBehind = "left behind";
inline constexpr const char* kKernelWarning = "kernel warning";
inline constexpr const char* kTaint = "taint";
inline constexpr const char* kOomKiller = "oom killer";
inline constexpr const char* kKnownBug = "known bug";

// A step that does not apply on this kernel or machine.
struct LeftOut {
  std::string step;
  std::string reason;
  bool operator==(const LeftOut&) const = default;
};

struct Result {
  std::string id;
  Params params;
  Verdict verdict = Verdict::kBroken;
  // One sentence: why it is not a pass; "" for a pass. Made from the three
  // below where there are any.
  std::string reason;
  std::vector<FailedCheck> checks = {};  // what did not hold
  std::vector<Finding> also = {};
  std::vector<LeftOut> left_out = {};
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
