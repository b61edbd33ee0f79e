// SPDX-License-Identifier: Apache-2.0
// git, build, runs, log.
#include "runner/bisect/step.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "runner/bisect/build.h"
#include "runner/bisect/confirmed.h"
#include "runner/bisect/cost.h"
#include "runner/bisect/finding.h"
#include "runner/bisect/git.h"
#include "runner/bisect/log.h"
#include "runner/bisect/progress.h"
#include "runner/cancel.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/kernel/store.h"
#include "runner/report/human.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

Json QuestionOf(const StepOptions& options) {
  Json question = {{"verb", "step"}, {"instance", options.run.patterns[0]}};
  if (!options.metric.empty()) {
    question["metric"] = options.metric;
    question["worse_than"] = options.worse_than;
    question["baseline"] = options.baseline;
  }
  return question;
}

void Say(const std::string& text) {
  fmt::print("bisect: {}\n", text);
  std::fflush(stdout);
}

class Step {
 public:
  explicit Step(const StepOptions& options)
      : options_(options),
        log_(options.run.results, QuestionOf(options)),
        git_(LookAtGit()) {
    trial_.key = git_.commit;
    trial_.title = git_.commit.empty()
                       ? options.run.kernel
                       : git_.commit.substr(0, 12) + " " + git_.subject;
  }

  BisectAnswer Go() {
    const auto start = steady_clock::now();
    Say(Progress() + ": " + Printable(trial_.title));
    trial_.outcome = Try();
    trial_.seconds =
        std::chrono::duration<double>(steady_clock::now() - start).count();
    log_.Append(trial_);
    const StepOutcome& outcome = trial_.outcome;
    Say(fmt::format("{}: {} [{:.0f} s]", ToText(outcome.answer), outcome.why,
                    trial_.seconds));
    TellCulprit();
    return outcome.answer;
  }

 private:
  std::string Progress() const;
  StepOutcome Try();
  std::string MakeKernel();
  StepOutcome RunIt();
  void TellCulprit() const;
  std::optional<Trial> Tried(const std::string& commit) const;
  std::string Again(const std::string& commit) const;

  const StepOptions& options_;
  const Cancel cancel_;
  BisectLog log_;
  const GitBisect git_;
  Trial trial_;
  RunOptions run_ = options_.run;
};

std::string Step::Progress() const {
  std::vector<double> seconds;
  for (const Trial& trial : log_.trials()) {
    if (std::ranges::find(git_.answered, trial.key) != git_.answered.end()) {
      seconds.push_back(trial.seconds);
    }
  }
  return ProgressText(seconds, git_.steps_after);
}

// "" where there is one that could boot, else why not.
std::string Step::MakeKernel() {
  if (!options_.build.empty()) {
    const fs::path log = log_.folder() / "builds" /
                         fmt::format("{:03}.log", log_.trials().size() + 1);
    trial_.build = log_.Below(log);
    std::string failed =
        Build(options_.build, log, std::chrono::seconds(options_.build_seconds),
              cancel_);
    if (!failed.empty()) return failed;
  }
  if (!fs::exists(options_.run.kernel)) {
    return fmt::format("no kernel: the build left no {}", options_.run.kernel);
  }
  run_.kernel = fs::absolute(options_.run.kernel).lexically_normal();
  // A cache of its own: this kernel is nothing that 6.1 should mean later.
  run_.kernels = log_.folder() / "kernel";
  fs::remove_all(run_.kernels);
  fs::create_directories(run_.kernels);
  try {
    KernelStore(run_.kernels).Add(run_.kernel);
  } catch (const UserError& unusable) {
    return fmt::format("no kernel: {}", Printable(unusable.what()));
  }
  return "";
}

StepOutcome Step::RunIt() {
  run_.cold = true;  // nobody will restore a guest of this kernel
  return RunConfirmed(
      run_, options_.confirm,
      [this](const OneRun& one) {
        if (options_.metric.empty()) return OutcomeOf(one.result());
        return OutcomeOfCost(one.result(),
                             CostChange(one.run, options_.metric,
                                        options_.worse_than, options_.baseline),
                             options_.worse_than);
      },
      log_, trial_);
}

StepOutcome Step::Try() {
  const std::string missing = MakeKernel();
  if (!missing.empty()) return {BisectAnswer::kSkip, missing};
  StepOutcome outcome = RunIt();
  std::error_code ignored;
  fs::remove_all(run_.kernels, ignored);
  return outcome;
}

std::optional<Trial> Step::Tried(const std::string& commit) const {
  const Trial* trial = log_.Find(commit);
  return trial == nullptr ? std::nullopt : std::optional(*trial);
}

std::string Step::Again(const std::string& commit) const {
  Result result;
  result.place = "vm";
  if (trial_.result) result = *trial_.result;
  std::string build = options_.build;
  if (!build.empty()) build = "(" + build + ") && ";
  const auto name = ParseInstance(options_.run.patterns[0]);
  if (name) {
    result.id = name->id;
    result.params = name->params;
  }
  return fmt::format("git checkout {} && {}{}", commit.substr(0, 12), build,
                     RepeatCommand(result, options_.to_repeat));
}

void Step::TellCulprit() const {
  const auto culprit = CulpritAfter(trial_.outcome.answer);
  if (!culprit) return;
  BisectFinding finding;
  finding.culprit =
      fmt::format("First bad commit: {} {}", culprit->commit.substr(0, 12),
                  culprit->subject);
  finding.now = Tried(culprit->commit);
  finding.before = Tried(culprit->parent);
  // Its parent may have been called good by the user: any good one then.
  if (!finding.before ||
      finding.before->outcome.answer != BisectAnswer::kGood) {
    finding.before.reset();
    for (const Trial& trial : log_.trials()) {
      if (trial.outcome.answer == BisectAnswer::kGood) finding.before = trial;
    }
  }
  for (const std::string& commit : culprit->skipped) {
    finding.notes.push_back("as likely, it was skipped: " +
                            commit.substr(0, 12));
  }
  finding.again = Again(culprit->commit);
  const std::string text = FindingText(finding, log_.folder());
  std::fputs(text.c_str(), stdout);
  SaveBytes(log_.folder() / "finding.txt", text);
}

}  // namespace

BisectAnswer BisectStep(const StepOptions& options) {
  CheckOneInstance(options.run.patterns[0]);
  if (!options.metric.empty()) CheckCostBaseline(options.baseline);
  return Step(options).Go();
}

}  // namespace oomgate
