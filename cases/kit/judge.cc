// SPDX-License-Identifier: Apache-2.0
// Judges one instance: needs, bystanders, subject, evidence, oracle.
#include "cases/kit/judge.h"

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <memory>
#include <sstream>

#include "cases/kit/facts.h"
#include "cases/kit/kernel_log.h"
#include "cases/kit/needs.h"
#include "cases/kit/oom_report.h"
#include "cases/kit/registry.h"

namespace oomgate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Judgement Without(Verdict verdict, std::string reason) {
  Judgement judgement;
  judgement.verdict = verdict;
  judgement.reason = std::move(reason);
  return judgement;
}

const Known* KnownIn(const Case& definition, const KernelVersion& kernel) {
  for (const Known& known : definition.known) {
    if (kernel >= known.since && kernel < known.fixed) return &known;
  }
  return nullptr;
}

// The report of the subject's own kill; without one, of the first kill in the
// box. Others may follow while the subject's memory is still being freed.
std::optional<OomReport> FindReport(KernelLog& log, std::int64_t kills) {
  // The kernel wakes us before it has printed its last line.
  if (kills > 0) log.WaitFor("Killed process", milliseconds(1000));
  const std::vector<OomReport> reports = ParseOomReports(log.Text());
  for (const OomReport& report : reports) {
    if (report.victim == kSubjectName) return report;
  }
  if (reports.empty()) return std::nullopt;
  return reports.front();
}

void AddBystanders(
    const std::vector<std::unique_ptr<BystanderProcess>>& bystanders,
    Outcome& outcome) {
  for (const auto& bystander : bystanders) {
    if (!bystander->Lives()) {
      if (!outcome.dead_bystanders.empty()) outcome.dead_bystanders += ", ";
      outcome.dead_bystanders += bystander->name();
    }
    for (const auto& [name, value] : bystander->trace().Values()) {
      if (name == "entered") continue;
      outcome.values[bystander->name() + "." + name] = value;
    }
  }
}

void Decide(const Case& definition, const Params& params, const Facts& facts,
            bool invert, Judgement& judgement) {
  const Oracle oracle = definition.expect(params, facts);
  const Oracle expected = invert ? Oracle(testing::Not(oracle)) : oracle;
  testing::StringMatchResultListener seen;
  if (expected.MatchAndExplain(*judgement.outcome, &seen)) {
    judgement.verdict = Verdict::kPass;
    return;
  }
  std::ostringstream reason;
  reason << "expected that it ";
  expected.DescribeTo(&reason);
  reason << "; but it " << ToText(*judgement.outcome);
  if (!seen.str().empty()) reason << ": " << seen.str();
  const Known* known = KnownIn(definition, facts.kernel);
  judgement.verdict = known != nullptr ? Verdict::kKnown : Verdict::kFail;
  judgement.reason =
      known != nullptr ? known->what + "; " + reason.str() : reason.str();
}

}  // namespace

Outcome Classify(const SubjectEnd& end, const Trace& trace,
                 std::int64_t oom_kills) {
  Outcome outcome;
  outcome.values = trace.Values();
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

Judgement Judge(const Case& definition, const Params& params,
                const BoxView& box, bool invert) {
  const auto start = steady_clock::now();
  const Needs needs = NeedsOf(definition, params);
  const Facts facts = CollectFacts(box);
  std::string unmet = UnmetNeed(definition.blast, needs, facts, box);
  if (unmet.empty() && definition.probe != nullptr) {
    unmet = definition.probe(params, facts);
  }
  if (!unmet.empty()) return Without(Verdict::kSkip, unmet);

  std::vector<std::unique_ptr<BystanderProcess>> bystanders;
  for (const Bystander& bystander : definition.bystanders) {
    bystanders.push_back(
        std::make_unique<BystanderProcess>(bystander, params, facts, box));
    if (!bystanders.back()->broken().empty()) {
      return Without(Verdict::kBroken, bystanders.back()->broken());
    }
  }

  Trace* const trace = Trace::Share();
  KernelLog log;
  const std::int64_t kills_before = box.OomKills();
  SubjectEnd end = RunSubject(definition, params, facts, box, *trace);
  if (!end.broken.empty()) return Without(Verdict::kBroken, end.broken);
  if (trace->overflowed()) {
    return Without(Verdict::kBroken, "the trace has no room for its values");
  }

  Judgement judgement;
  const std::int64_t kills = box.OomKills() - kills_before;
  judgement.outcome = Classify(end, *trace, kills);
  judgement.outcome->oom = FindReport(log, kills);
  if (box.Peak().count >= 0) {
    judgement.outcome->values["box_peak"] = box.Peak().count;
  }
  AddBystanders(bystanders, *judgement.outcome);
  Trace::Release(trace);
  judgement.samples = std::move(end.samples);
  Decide(definition, params, facts, invert, judgement);
  judgement.seconds =
      std::chrono::duration<double>(steady_clock::now() - start).count();
  return judgement;
}

}  // namespace oomgate
