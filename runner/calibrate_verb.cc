// SPDX-License-Identifier: Apache-2.0
// oomgate calibrate: the same again and again, to learn what is noise here.
#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/compare/calibration.h"
#include "runner/compare/power.h"
#include "runner/error.h"
#include "runner/kernel/file.h"
#include "runner/report/calibration.h"
#include "runner/report/quiet.h"
#include "runner/run_cases.h"
#include "runner/run_options.h"

namespace oomgate {
namespace {

struct VerbOptions {
  RunOptions run;
  int pairs = 10;
  std::uint32_t seed = 1;
  std::string into = "results/calibration.json";
  std::string format = "human";
};

int CalibrateVerb(VerbOptions& options) {
  const std::filesystem::path into = options.into;
  if (into.has_parent_path()) {
    std::error_code error;  // writing says what is wrong
    std::filesystem::create_directories(into.parent_path(), error);
  }
  // Two guests at a time disturb each other.
  if (!options.run.jobs) options.run.jobs = 1;
  std::vector<Run> runs;
  for (int i = 0; i < 2 * options.pairs; ++i) {
    QuietReport report(stderr,
                       fmt::format("run {} of {}", i + 1, 2 * options.pairs));
    runs.push_back(RunCases(options.run, report).run);
    if (runs.back().interrupted) return kExitInterrupted;
  }
  const Calibration calibration = CalibrationOf(runs, options.seed);
  if (calibration.metrics.empty()) {
    fmt::print(stderr, "oomgate: nothing that passed measures anything\n");
    return kExitNothingRan;
  }
  const std::string json = ToJsonText(calibration);
  SaveBytes(into, json);
  const bool human = options.format == "human";
  fmt::print("{}", human ? CalibrationTable(calibration) : json);
  if (human) fmt::print("{}\n", options.into);
  return kExitOk;
}

}  // namespace

void AddCalibrateVerb(CLI::App& app, int& exit_code,
                      const std::string& command) {
  const auto o = std::make_shared<VerbOptions>();
  o->run.command = command;
  o->run.patterns = {"cost/*"};
  CLI::App* verb = app.add_subcommand(
      "calibrate",
      "how noisy metrics are on this machine, by running the same "
      "again and again");
  verb->add_option("patterns", o->run.patterns, "ids, globs or instance names")
      ->capture_default_str();
  verb->add_option("--pairs", o->pairs,
                   "of runs; as many as a comparison will have")
      ->check(CLI::Range(kFewestPairs, 1000))
      ->capture_default_str();
  verb->add_option("--seed", o->seed, "of the lot that halves the runs")
      ->capture_default_str();
  verb->add_option("--into", o->into, "file for the result")
      ->capture_default_str();
  const AddedRunOptions added = AddRunOptions(*verb, o->run);
  AddFormatOption(*verb, o->format);
  verb->callback([o, added, &exit_code] {
    CompleteRunOptions(added, o->run);
    exit_code = CalibrateVerb(*o);
  });
}

}  // namespace oomgate
