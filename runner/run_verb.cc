// SPDX-License-Identifier: Apache-2.0
// oomgate run: its options, its report, its exit code.
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "runner/against_baseline.h"
#include "runner/cli.h"
#include "runner/compare_options.h"
#include "runner/exit_code.h"
#include "runner/report/human.h"
#include "runner/report/json_report.h"
#include "runner/run_cases.h"
#include "runner/run_options.h"
#include "runner/shard_options.h"

namespace oomgate {
namespace {

struct VerbOptions {
  RunOptions run;
  ShardOptions shard;
  std::string format = "human";
  bool require = false;
  BaselineOptions baseline = {};
  // From the parser: what a command that repeats an instance needs.
  std::vector<std::string> to_repeat = {};
};

std::unique_ptr<Report> MakeReport(const VerbOptions& options) {
  HumanStyle style;
  style.progress = ::isatty(STDERR_FILENO) == 1;
  style.options = options.to_repeat;
  if (options.format == "json") {
    style.colours = WantsColours(stderr);
    return std::make_unique<JsonReport>(stdout, stderr, style);
  }
  style.colours = WantsColours(stdout);
  return std::make_unique<HumanReport>(stdout, stderr, style);
}

int RunVerb(const VerbOptions& options) {
  CheckBaseline(options.baseline);
  const std::unique_ptr<Report> report = MakeReport(options);
  const RunDone done = RunCases(options.run, *report);
  // Of JSON, stdout has the run and nothing else.
  return CompareWithBaseline(done, options.baseline,
                             ExitCodeOf(done.run, options.require),
                             options.format == "json" ? stderr : stdout);
}

}  // namespace

void AddRunVerb(CLI::App& app, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<VerbOptions>();
  RunOptions& r = o->run;
  r.command = command;
  CLI::App* verb = app.add_subcommand("run", "run cases");
  verb->add_option("patterns", r.patterns,
                   "ids, globs or instance names; default: all but meta/*");
  const AddedRunOptions added = AddRunOptions(*verb, r);
  AddShardOptions(*verb, o->shard, r);
  verb->add_flag("--require", o->require, "a skip is a failure (exit 1)");
  verb->add_option("--baseline", o->baseline.path,
                   "a baseline or a folder of them: also compare with that");
  AddCompareOptions(*verb, o->baseline.compare, o->baseline.fail_on);
  AddFormatOption(*verb, o->format);
  verb->callback([o, added, &exit_code] {
    o->to_repeat = CompleteRunOptions(added, o->run);
    ChooseShard(o->shard, o->to_repeat, o->run);
    exit_code = RunVerb(*o);
  });
}

}  // namespace oomgate
