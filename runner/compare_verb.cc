// SPDX-License-Identifier: Apache-2.0
// oomgate compare: two sides that were run, or, with --ab, that it runs.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/compare/compare.h"
#include "runner/compare/sides.h"
#include "runner/compare_kernels.h"
#include "runner/compare_options.h"
#include "runner/error.h"
#include "runner/run_options.h"

namespace oomgate {
namespace {

struct VerbOptions {
  std::string base;
  std::vector<std::string> candidates;
  CompareOptions compare;
  FailOn fail_on;
  std::string format = "human";
  bool run_both = false;
  AbOptions ab = {};
};

int Told(const VerbOptions& options, const Comparison& comparison) {
  std::fputs(ComparisonIn(options.format, comparison).c_str(), stdout);
  return ExitCodeOf(comparison, options.fail_on);
}

int CompareVerb(const VerbOptions& options) {
  const Sides sides = LoadSides(options.base, options.candidates);
  Comparison comparison = Compare(sides.base, sides.candidate, options.compare);
  comparison.base = sides.base_name;
  comparison.candidate = sides.candidate_name;
  return Told(options, comparison);
}

int AbVerb(VerbOptions& options) {
  if (!options.ab.run.kernel.empty()) {
    throw UserError("--ab with --kernel: the first two words are the kernels");
  }
  options.ab.kernel_a = options.base;
  options.ab.kernel_b = options.candidates[0];
  options.ab.run.patterns.assign(options.candidates.begin() + 1,
                                 options.candidates.end());
  if (options.ab.run.patterns.empty()) options.ab.run.patterns = {"cost/*"};
  const auto comparison = CompareKernels(options.ab, options.compare);
  return comparison ? Told(options, *comparison) : kExitInterrupted;
}

}  // namespace

void AddCompareVerb(CLI::App& app, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<VerbOptions>();
  o->ab.run.command = command;
  CLI::App* verb = app.add_subcommand(
      "compare", "what changed between runs, and whether it is real");
  verb->add_option(
          "base", o->base,
          "run.json, run folder, baseline, or a folder of those, whose "
          "runs are samples of one; with --ab, a kernel")
      ->required();
  verb->add_option("candidates", o->candidates,
                   "the same of what is new; with --ab, the other kernel, and "
                   "the cases: ids, globs or instance names; default: cost/*")
      ->required();
  AddCompareOptions(*verb, o->compare, o->fail_on);
  AddComparisonFormat(*verb, o->format);
  CLI::Option* const first_look = verb->add_flag_callback(
      "--first-look", [o] { o->compare.look = Look::kFirst; },
      "flag times by p < .01 each, uncorrected for their number, as --ab does "
      "before it measures again what was flagged");
  verb->add_flag("--ab", o->run_both,
                 "run both kernels here, in adjacent pairs in random order, "
                 "and confirm what differs with fresh samples")
      ->excludes(first_look);
  verb->option_defaults()->group("With --ab");
  verb->add_option("--pairs", o->ab.plan.pairs, "of samples")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--best-of", o->ab.plan.best_of,
                   "runs a sample, where times are of a real CPU: the best "
                   "time of them counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  verb->add_option("--seed", o->ab.plan.seed, "of their order")
      ->capture_default_str();
  const AddedRunOptions added = AddRunOptions(*verb, o->ab.run);
  verb->callback([o, added, &exit_code] {
    CompleteRunOptions(added, o->ab.run);
    exit_code = o->run_both ? AbVerb(*o) : CompareVerb(*o);
  });
}

}  // namespace oomgate
