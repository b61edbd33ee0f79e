// SPDX-License-Identifier: Apache-2.0
// One step of a search after another.
#include "runner/bisect/search.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "runner/bisect/confirmed.h"
#include "runner/bisect/progress.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/record/run_folder.h"
#include "runner/report/human.h"
#include "runner/report/text.h"

namespace oomgate {
namespace {

using std::chrono::steady_clock;

void Say(const std::string& text) {
  fmt::print("bisect: {}\n", text);
  std::fflush(stdout);
}

// While there are no ends, anything that says something will do.
StepOutcome Anything(BisectAnswer answer, const Result& result) {
  const StepOutcome outcome = OutcomeOf(result);
  const bool says_nothing =
      outcome.answer == BisectAnswer::kSkip && result.verdict != Verdict::kSkip;
  return {says_nothing ? BisectAnswer::kSkip : answer, outcome.why};
}

}  // namespace

Search::Search(const SearchOptions& options, const Json& question)
    : options_(options), log_(options.run.results, question) {
  Say(
      fmt::format("the log is in {}: with --results={} an interrupted one "
                  "goes on",
                  log_.folder().string(), ShellQuoted(log_.folder().string())));
}

const Trial& Search::Run(Trial what, int left, const Prepare& prepare,
                         const Judge& judge) {
  const Trial* const known = log_.Find(what.key);
  // What was skipped may have been the network's fault.
  if (known != nullptr && known->outcome.answer != BisectAnswer::kSkip) {
    seconds_.push_back(known->seconds);
    return *known;
  }
  const auto start = steady_clock::now();
  Say(fmt::format("{}: {}", ProgressText(seconds_, left),
                  Printable(what.title)));
  RunOptions run = options_.run;
  const std::string missing = prepare(run, what);
  if (missing.empty()) {
    what.outcome = RunConfirmed(
        run, options_.confirm,
        [&](const OneRun& one) -> StepOutcome {
          const std::string nothing = check_(one.run);
          if (!nothing.empty()) return {BisectAnswer::kSkip, nothing};
          return judge(one.result());
        },
        log_, what);
  } else {
    what.outcome = {BisectAnswer::kSkip, missing};
  }
  what.seconds =
      std::chrono::duration<double>(steady_clock::now() - start).count();
  seconds_.push_back(what.seconds);
  log_.Append(what);
  Say(fmt::format("{}: {} [{:.0f} s]", ToText(what.outcome.answer),
                  what.outcome.why, what.seconds));
  return log_.trials().back();
}

void Search::TryEnds(const Trial& good, const Prepare& prepare_good,
                     const Trial& bad, const Prepare& prepare_bad) {
  std::optional<Result> results[2];
  for (const BisectAnswer end : {BisectAnswer::kGood, BisectAnswer::kBad}) {
    const bool is_good = end == BisectAnswer::kGood;
    const Trial& trial =
        Run(is_good ? good : bad, -1, is_good ? prepare_good : prepare_bad,
            [end](const Result& result) { return Anything(end, result); });
    if (trial.outcome.answer == BisectAnswer::kSkip || !trial.result) {
      throw UserError(fmt::format("the {} end says nothing: {}", ToText(end),
                                  trial.outcome.why));
    }
    results[is_good ? 0 : 1] = trial.result;
  }
  ends_.emplace(*results[0], *results[1], options_.metric);
}

const Trial& Search::Try(Trial what, int left, const Prepare& prepare) {
  return Run(std::move(what), left, prepare,
             [this](const Result& result) { return ends_->Like(result); });
}

std::string Search::Again(std::vector<std::string> options) const {
  Result result;
  result.place = "vm";
  if (const auto name = ParseInstance(options_.run.patterns[0])) {
    result.id = name->id;
    result.params = name->params;
  }
  options.insert(options.begin(), options_.to_repeat.begin(),
                 options_.to_repeat.end());
  return RepeatCommand(result, options);
}

void Search::Tell(const std::string& finding) const {
  std::fputs(finding.c_str(), stdout);
  std::fflush(stdout);
  SaveBytes(log_.folder() / "finding.txt", finding);
}

std::string NewBisectFolder(const std::string& results) {
  std::string time = UtcNow();
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return results + "/" + time;
}

}  // namespace oomgate
