// SPDX-License-Identifier: Apache-2.0
// oomgate compare: two sides, what may differ between them, what makes it fail.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/compare/compare.h"
#include "runner/compare/sides.h"
#include "runner/compare_options.h"
#include "runner/report/comparison.h"

namespace oomgate {
namespace {

struct VerbOptions {
  std::string base;
  std::vector<std::string> candidates;
  CompareOptions compare;
  FailOn fail_on;
  std::string format = "human";
};

int CompareVerb(const VerbOptions& options) {
  const Sides sides = LoadSides(options.base, options.candidates);
  Comparison comparison = Compare(sides.base, sides.candidate, options.compare);
  comparison.base = sides.base_name;
  comparison.candidate = sides.candidate_name;
  std::fputs(ComparisonIn(options.format, comparison).c_str(), stdout);
  return ExitCodeOf(comparison, options.fail_on);
}

}  // namespace

void AddCompareVerb(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<VerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "compare", "what changed between runs, and whether it is real");
  verb->add_option("base", o->base,
                   "run.json, run folder, baseline, or a folder of those; "
                   "several runs are samples of one")
      ->required();
  verb->add_option("candidates", o->candidates, "the same, of what is new")
      ->required();
  AddCompareOptions(*verb, o->compare, o->fail_on);
  AddComparisonFormat(*verb, o->format);
  verb->callback([o, &exit_code] { exit_code = CompareVerb(*o); });
}

}  // namespace oomgate
