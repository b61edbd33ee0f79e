// SPDX-License-Identifier: Apache-2.0
// How a subject ended and what it left: what an oracle judges, and the matchers
// that oracles are made of.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <string>

#include "oomgate/model/result.h"
#include "oomgate/model/units.h"
#include "oomgate/oracle.h"

namespace oomgate {

// The names (comm) under which the kernel reports subjects and bystanders.
inline constexpr const char* kSubjectName = "oomgate-subject";
inline constexpr const char* kBystanderName = "oomgate-bystand";

struct Outcome {
  enum class End {
    kExited,     // code: exit status
    kSignal,     // code: the signal; not by us, not by the OOM killer
    kOomKilled,  // SIGKILL, and oom_kill rose in the box, and no deadline
    kDeadline,   // ended by us
    kStopped,    // a building block failed: `stopped` says which
  };
  End end = End::kExited;
  int code = 0;
  std::string stopped;
  // What the subject set, in steps as "<step>.<name>"; what bystanders set;
  // and what the judge saw:
  //   peak_rss   bytes, the kernel's high-water mark (ru_maxrss)
  //   oom_kills  how often the box's oom_kill counter rose
  //   box_peak   bytes, the cgroup's own high-water mark, where it has one
  //   last_rss, last_page_tables   bytes, last sample before the end
  //   oom_reports   kills that the kernel told of in its log
  //   <bystander>.alive   1 or 0
  std::map<std::string, std::int64_t> values;
  std::optional<OomReport> oom;  // the kernel's report of its kill
  // Bystanders that did not live to see the end.
  std::string dead_bystanders;
  std::string log;  // the kernel's, since before the subject started
};

// "exited 0", "killed by signal 11 (Segmentation fault)", "oom-killed", …
std::string ToText(const Outcome& outcome);

// The words of matchers; the rest of gmock's work too. A plain value stands
// for Eq of it.
using testing::AnyOf;
using testing::Eq;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;
using testing::Lt;
using testing::Ne;
using testing::Not;

// lo <= value <= hi
MATCHER_P2(IsBetween, lo, hi,
           testing::PrintToString(lo) + " to " + testing::PrintToString(hi)) {
  return lo <= arg && arg <= hi;
}
template <typename T>
auto Between(T lo, T hi) {
  return IsBetween(lo, hi);
}

Oracle Survives();            // exited 0
Oracle OomKilled();           // by evidence, not by SIGKILL alone
Oracle KilledBy(int signal);  // by that signal, not by us
Oracle BystandersSurvive();

// A number of the trace or of the judge.
Oracle Count(const std::string& name, testing::Matcher<std::int64_t> inner);
// The same as a size.
Oracle Size(const std::string& name, testing::Matcher<Bytes> inner);
// The first number less the second.
Oracle Difference(const std::string& a, const std::string& b,
                  testing::Matcher<std::int64_t> inner);
// One number as a percentage of another.
Oracle Percent(const std::string& part, const std::string& whole,
               testing::Matcher<double> inner);
inline Oracle Written(testing::Matcher<Bytes> m) { return Size("written", m); }
inline Oracle PeakRss(testing::Matcher<Bytes> m) { return Size("peak_rss", m); }
inline Oracle Touches(testing::Matcher<std::int64_t> m) {
  return Count("touches", m);
}

// The kernel's log holds this text, or one of these: needs .kernel_log.
Oracle KernelLogHas(const std::string& text);
Oracle KernelLogHasAnyOf(const std::vector<std::string>& texts);

// The kernel's OOM report. A missing report matches none of these: a case that
// uses them declares .needs.kernel_log.
Oracle OomConstraint(const std::string& constraint);
Oracle OomNodemask(const std::string& nodemask);
Oracle OomVictimIsSubject();
// Anonymous, file and shared memory together.
Oracle OomRss(testing::Matcher<Bytes> inner);
Oracle OomAnonRss(testing::Matcher<Bytes> inner);
Oracle OomPageTables(testing::Matcher<Bytes> inner);
// A number of the report's last line ("pid", "anon-rss" in kB), or of the
// victim's row in its table of tasks, by the table's own names ("table.rss" in
// pages).
Oracle OomNumber(const std::string& name, testing::Matcher<std::int64_t> inner);
// The same less a number of the trace.
Oracle OomNumberLess(const std::string& name, const std::string& value,
                     testing::Matcher<std::int64_t> inner);

}  // namespace oomgate
