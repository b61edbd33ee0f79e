// SPDX-License-Identifier: Apache-2.0
// Judges one instance: needs, bystanders, subject, evidence, oracle.
#include "cases/kit/judge.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <sstream>

#include "cases/kit/facts.h"
#include "cases/kit/kernel_log.h"
#include "cases/kit/ledger.h"
#include "cases/kit/needs.h"
#include "cases/kit/oom_report.h"
#include "cases/kit/play.h"
#include "cases/kit/registry.h"
#include "cases/kit/verdict.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kTaint = "/proc/sys/kernel/tainted";
// oom_kill.c: DEFAULT_RATELIMIT_INTERVAL, and a moment more.
constexpr int kRateLimitMilliseconds = 5100;
// Within which counters come back: page tables are freed by RCU since 6.14.
constexpr milliseconds kSettle{5000};

Judged Without(Verdict verdict, std::string reason) {
  Judged judgement;
  judgement.verdict = verdict;
  judgement.reason = std::move(reason);
  return judgement;
}

// A cgroup's path, as the kernel prints it, ends with the box's own name.
bool IsBox(const std::string& memcg, const BoxView& box) {
  const std::string name = box.folder().substr(box.folder().rfind('/') + 1);
  return memcg.ends_with("/" + name);
}

// The kernel's reports of kills in the box, the subject's own first.
std::vector<OomReport> FindReports(KernelLog& log, const BoxView& box,
                                   std::int64_t kills, bool subject_killed) {
  // The kernel wakes us before it has printed its last line.
  if (kills > 0) {
    log.WaitFor(subject_killed ? std::string("(") + kSubjectName + ")"
                               : "Killed process ",
                milliseconds(1000));
  }
  std::vector<OomReport> reports = ParseOomReports(log.Text());
  // Others share a host's log, and perhaps a subject's name.
  std::erase_if(reports, [&](const OomReport& report) {
    return box.cgroup() != 0 && !report.task_memcg.empty() &&
           !IsBox(report.task_memcg, box);
  });
  std::stable_partition(
      reports.begin(), reports.end(),
      [](const OomReport& report) { return report.victim == kSubjectName; });
  return reports;
}

// What makes a kill no evidence of the case's: "" where it is one.
std::string WhyNoEvidence(const Outcome& outcome, const BoxView& box,
                          bool needs_report) {
  if (outcome.end != Outcome::End::kOomKilled || !outcome.oom) return "";
  const OomReport& report = *outcome.oom;
  if (needs_report && report.constraint.empty()) {
    return "the kernel printed no header for the kill: it prints 10 in 5 "
           "seconds";
  }
  if (box.cgroup() != 0 && !report.constraint.empty() &&
      !IsBox(report.oom_memcg, box)) {
    return "killed by an OOM from outside its box: " + report.constraint +
           " in " + (report.global ? "the machine" : report.oom_memcg);
  }
  return "";
}

// Signs in a guest's log that the kernel hurt itself.
std::string KernelComplaint(const std::string& log) {
  for (const char* sign : {"BUG: ", "WARNING: ", "Bad page ", "Oops: "}) {
    const std::size_t at = log.find(sign);
    if (at == std::string::npos) continue;
    const std::size_t start = log.rfind('\n', at) + 1;
    return log.substr(start, log.find('\n', at) - start);
  }
  return "";
}

// A kernel that hurt itself fails a case, whatever its oracle says.
void AddComplaints(const std::string& log, std::int64_t taint_before,
                   Judged& judgement) {
  const std::string complaint = KernelComplaint(log);
  const std::int64_t taint = NumberIn(kTaint);
  if (!complaint.empty()) {
    judgement.also.push_back({kKernelWarning, complaint});
  }
  if (taint != taint_before) {
    judgement.also.push_back({kTaint, std::to_string(taint_before) +
                                          " before, " + std::to_string(taint) +
                                          " after"});
  }
  if (!complaint.empty() || taint != taint_before) {
    judgement.verdict = Verdict::kFail;
  }
}

void AddBystanders(
    const std::vector<std::unique_ptr<BystanderProcess>>& bystanders,
    const std::vector<OomReport>& reports, Outcome& outcome) {
  for (const auto& bystander : bystanders) {
    const bool lives = bystander->Lives();
    outcome.values[bystander->name() + ".alive"] = lives ? 1 : 0;
    if (!lives) {
      if (!outcome.dead_bystanders.empty()) outcome.dead_bystanders += ", ";
      outcome.dead_bystanders += bystander->name();
    }
    for (const auto& [name, value] : bystander->trace().Values()) {
      if (name == "entered") continue;
      outcome.values[bystander->name() + "." + name] = value;
    }
  }
  // One may still be dying.
  const bool killed = std::ranges::any_of(reports, [](const OomReport& report) {
    return report.victim == kBystanderName;
  });
  if (killed && outcome.dead_bystanders.empty()) {
    outcome.dead_bystanders = "one, by the OOM killer";
  }
}

// The kernel's own words for a kill, in short.
Finding KillerSays(const OomReport& oom) {
  return {kOomKiller, (oom.constraint.empty() ? "" : oom.constraint + ": ") +
                          "killed " + oom.victim + ", anon-rss " +
                          std::to_string(oom.anon_rss_kb) + " kB, pgtables " +
                          std::to_string(oom.pgtables_kb) + " kB"};
}

// What the case expects of an instance as a whole.
Oracle WholeOf(const Case& definition, const Params& params,
               const Facts& facts) {
  if (!definition.panics.empty()) {
    // The judge is asked, so there was none.
    return Check{"panic", "\"" + definition.panics + "\"",
                 [](const View& view) -> std::optional<std::string> {
                   return "none: the subject " + ToText(view.outcome);
                 }};
  }
  if (definition.expect != nullptr) return definition.expect(params, facts);
  return {};
}

void Decide(const Case& definition, const Params& params, const Facts& facts,
            const std::vector<Step>& steps, int reached, bool invert,
            Judged& judgement) {
  const Outcome& outcome = *judgement.outcome;
  const Oracle whole = WholeOf(definition, params, facts);
  std::vector<FailedCheck> failed;
  if (definition.steps) {
    failed = WhatFailed(steps, whole, reached, outcome);
  } else {
    failed = FailedChecks(whole, {outcome});
    for (FailedCheck& check : failed) check.step = steps.front().name;
  }
  for (const Step& step : steps) {
    if (!step.left_out.empty()) {
      judgement.left_out.push_back({step.name, step.left_out});
    }
  }
  if (invert) {
    judgement.verdict = failed.empty() ? Verdict::kFail : Verdict::kPass;
    if (failed.empty()) {
      judgement.also.push_back(
          {"inverted",
           "every expectation holds, --invert expects one to fail"});
    }
    return;
  }
  if (failed.empty()) {
    judgement.verdict = Verdict::kPass;
    return;
  }
  judgement.verdict = Verdict::kFail;
  for (const Known& bug : KnownBugs(definition, steps, failed, facts.kernel)) {
    judgement.verdict = Verdict::kKnown;
    judgement.also.push_back({kKnownBug, bug.what});
  }
  judgement.checks = std::move(failed);
}

}  // namespace

Outcome Classify(const SubjectEnd& end, const Trace& trace,
                 std::int64_t oom_kills,
                 const std::vector<std::string>& steps) {
  Outcome outcome;
  outcome.values = trace.Values(steps);
  outcome.values.erase("entered");
  outcome.values["peak_rss"] = end.peak_rss.count;
  outcome.values["oom_kills"] = oom_kills;
  if (!end.samples.empty()) {
    outcome.values["last_rss"] = end.samples.back().rss.count;
    outcome.values["last_page_tables"] = end.samples.back().page_tables.count;
  }
  outcome.stopped = trace.Stopped();
  if (end.deadline) {
    outcome.end = Outcome::End::kDeadline;
  } else if (WIFSIGNALED(end.status)) {
    outcome.code = WTERMSIG(end.status);
    outcome.end = outcome.code == SIGKILL && oom_kills > 0
                      ? Outcome::End::kOomKilled
                      : Outcome::End::kSignal;
  } else {
    outcome.code = WEXITSTATUS(end.status);
    outcome.end = outcome.stopped.empty() ? Outcome::End::kExited
                                          : Outcome::End::kStopped;
  }
  return outcome;
}

namespace {

// One attempt. `again` is set where only the log's rate limit was in the way.
Judged Attempt(const Case& definition, const Params& params, const Needs& needs,
               const Facts& facts, const BoxView& box,
               const JudgeOptions& options, bool& again) {
  again = false;
  std::vector<std::unique_ptr<BystanderProcess>> bystanders;
  for (const Bystander& bystander : definition.bystanders) {
    bystanders.push_back(
        std::make_unique<BystanderProcess>(bystander, params, facts, box));
    if (!bystanders.back()->broken().empty()) {
      return Without(Verdict::kBroken, bystanders.back()->broken());
    }
  }

  const std::unique_ptr<Trace, decltype(&Trace::Release)> trace(
      Trace::Share(), &Trace::Release);
  KernelLog log;
  const std::int64_t taint = NumberIn(kTaint);
  const std::int64_t kills_before = box.OomKills();
  const std::vector<Step> steps = StepsOf(definition, params, facts);
  const std::string mistake = MistakeIn(steps);
  if (!mistake.empty()) return Without(Verdict::kBroken, mistake);
  SubjectEnd end =
      RunSubject(definition, box, *trace,
                 PlayOf(definition, params, facts, steps, options.without));
  if (!end.broken.empty()) return Without(Verdict::kBroken, end.broken);
  if (trace->overflowed()) {
    return Without(Verdict::kBroken, "the trace has no room for its values");
  }

  Judged judgement;
  const std::int64_t kills = box.OomKills() - kills_before;
  judgement.outcome = Classify(end, *trace, kills, NamesOf(steps));
  Outcome& outcome = *judgement.outcome;
  const std::vector<OomReport> reports =
      FindReports(log, box, kills, outcome.end == Outcome::End::kOomKilled);
  outcome.values["oom_reports"] = static_cast<std::int64_t>(reports.size());
  if (!reports.empty()) outcome.oom = reports.front();
  outcome.log = log.Text();
  if (box.Peak().count >= 0) outcome.values["box_peak"] = box.Peak().count;
  AddBystanders(bystanders, reports, outcome);
  judgement.samples = std::move(end.samples);

  const std::string no_evidence = WhyNoEvidence(outcome, box, needs.kernel_log);
  if (!no_evidence.empty()) {
    again = outcome.oom->constraint.empty();
    judgement.reason = no_evidence;
    return judgement;
  }
  Decide(definition, params, facts, steps, trace->step(), options.invert,
         judgement);
  if (options.promised) AddComplaints(log.Text(), taint, judgement);
  if (judgement.verdict != Verdict::kPass && outcome.oom) {
    judgement.also.push_back(KillerSays(*outcome.oom));
  }
  return judgement;
}

// A leak fails the case that caused it, whatever its oracle says.
void CheckLedger(const Ledger& before, Judged& judgement) {
  const auto start = steady_clock::now();
  const std::vector<std::string> leaked = before.WhatLeaked(kSettle);
  const auto settled =
      std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
  judgement.outcome->values["settle_ms"] = settled.count();
  for (const std::string& entry : leaked) {
    judgement.verdict = Verdict::kFail;
    judgement.also.push_back({kLeftBehind, entry});
  }
}

}  // namespace

Judged Judge(const Case& definition, const Params& params, const BoxView& box,
             const JudgeOptions& options) {
  const auto start = steady_clock::now();
  Needs needs = InstanceOf(definition, params).needs;
  // A setting that is left alone is not asked for, either.
  std::erase_if(needs.settings, [&](const Setting& setting) {
    return setting.path == options.without;
  });
  // A guest is a machine of its own, also where the box is a cgroup in it.
  if (options.promised) needs.alone = false;
  const Facts facts = CollectFacts(box);
  const Unmet unmet = UnmetNeed(definition.blast, needs, facts, box);
  if (!unmet.reason.empty()) {
    const bool broken = options.promised && unmet.can_be_promised;
    return Without(broken ? Verdict::kBroken : Verdict::kSkip, unmet.reason);
  }
  if (definition.probe != nullptr) {
    const std::string reason = definition.probe(params, facts);
    if (!reason.empty()) return Without(Verdict::kSkip, reason);
  }
  std::optional<Ledger> before;
  if (options.promised) before.emplace(box, facts);
  bool again = false;
  Judged judgement =
      Attempt(definition, params, needs, facts, box, options, again);
  if (again) {
    poll(nullptr, 0, kRateLimitMilliseconds);
    judgement = Attempt(definition, params, needs, facts, box, options, again);
  }
  if (before && judgement.outcome) CheckLedger(*before, judgement);
  if (judgement.reason.empty() && judgement.verdict != Verdict::kPass) {
    judgement.reason = ReasonOf(judgement.checks, judgement.also);
  }
  judgement.seconds =
      std::chrono::duration<double>(steady_clock::now() - start).count();
  return judgement;
}

}  // namespace oomgate
