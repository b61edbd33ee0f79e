// SPDX-License-Identifier: Apache-2.0
// What the searches between a good and a bad end have in common: each thing is
// tried once, ever, and what it said is told and logged.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runner/bisect/ends.h"
#include "runner/bisect/log.h"
#include "runner/bisect/trial.h"

namespace oomgate {

struct SearchOptions {
  RunOptions run;  // its pattern is the instance, its results the folder
  int confirm = 0;
  std::string metric;                       // "": verdicts are told apart
  std::vector<std::string> to_repeat = {};  // options, as typed
};

// Makes what is to be run: completes the options, or says why it cannot be.
using Prepare = std::function<std::string(RunOptions& run, Trial& trial)>;
// Why a run says nothing after all; "" where it does.
using CheckRun = std::function<std::string(const Run& run)>;

class Search {
 public:
  Search(const SearchOptions& options, const Json& question);

  // Runs both; they are good and bad by definition. Throws UserError where
  // they are alike, or one says nothing.
  void TryEnds(const Trial& good, const Prepare& prepare_good, const Trial& bad,
               const Prepare& prepare_bad);

  // Key and title are of `what`; `left`: steps that will follow, about.
  const Trial& Try(Trial what, int left, const Prepare& prepare);

  void CheckEachRun(CheckRun check) { check_ = std::move(check); }
  const Trial* Tried(const std::string& key) const { return log_.Find(key); }
  const BisectLog& log() const { return log_; }
  // The command that runs the instance, with these options more.
  std::string Again(std::vector<std::string> options) const;
  // On stdout, and in finding.txt.
  void Tell(const std::string& finding) const;

 private:
  using Judge = std::function<StepOutcome(const Result& result)>;
  const Trial& Run(Trial what, int left, const Prepare& prepare,
                   const Judge& judge);

  const SearchOptions& options_;
  BisectLog log_;
  CheckRun check_ = [](const oomgate::Run&) { return std::string(); };
  std::optional<Ends> ends_ = {};
  std::vector<double> seconds_ = {};  // of what was tried by this search
};

// A folder for a new bisect below `results`: its time.
std::string NewBisectFolder(const std::string& results);

}  // namespace oomgate
