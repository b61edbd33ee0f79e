// SPDX-License-Identifier: Apache-2.0
// oomgate merge: shards to the run that they are parts of, and its exit code.
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/exit_code.h"
#include "runner/merge.h"
#include "runner/record/run_folder.h"
#include "runner/report/human.h"
#include "runner/report/read_run.h"
#include "runner/report/text.h"
#include "runner/validate/validation.h"

namespace oomgate {
namespace {

namespace fs = std::filesystem;

struct MergeOptions {
  std::vector<std::string> runs;
  std::string into = "results/runs/merged";
  std::string format = "human";  // of a table of hosts
  bool require = false;
};

void CheckInto(const fs::path& run_json, const std::vector<NamedRun>& shards) {
  std::error_code ignored;
  for (const NamedRun& shard : shards) {
    if (fs::equivalent(run_json, shard.name, ignored)) {
      throw UserError(run_json.string() +
                      " is one of the shards: name another folder by --into");
    }
  }
}

double SecondsOf(const Run& run) {
  double seconds = 0;
  for (const Result& result : run.results) seconds += result.seconds;
  return seconds;
}

// Hosts that were validated, as one table; exits as the worst of them.
int MergeHosts(const MergeOptions& options) {
  std::vector<Validation> hosts;
  int failed = 0;
  for (const std::string& path : options.runs) {
    if (!IsValidation(path)) {
      throw UserError(path +
                      ": no document of oomgate validate, as the others are");
    }
    hosts.push_back(ReadValidation(path));
    failed += CountOf(hosts.back(), Checked::State::kFail);
  }
  const std::string text =
      options.format == "json" ? FleetJson(hosts) : FleetText(hosts);
  std::fputs(text.c_str(), stdout);
  return failed > 0 ? kExitFailure : kExitOk;
}

int MergeVerb(const MergeOptions& options, const std::string& command) {
  if (IsValidation(options.runs.front())) return MergeHosts(options);
  std::vector<NamedRun> shards;
  for (const std::string& path : options.runs) {
    const fs::path run_json = RunJsonAt(path);
    shards.push_back({run_json.string(), ReadRun(run_json)});
  }
  const fs::path into = options.into;
  CheckInto(into / "run.json", shards);
  Merged merged = Merge(shards);
  merged.run.command = command;
  for (const std::string& name : merged.passed_over) {
    fmt::print(stderr, "oomgate: {} did not come to its end: passed over\n",
               Printable(name));
  }
  std::error_code error;
  fs::create_directories(into, error);
  if (error) {
    throw UserError("cannot make " + into.string() + ": " + error.message() +
                    "; name another folder by --into");
  }
  SaveRun(into, merged.run);
  HumanReport(stdout, stderr, {.colours = WantsColours(stdout)})
      .Over(merged.run, (into / "run.json").string(), SecondsOf(merged.run));
  return ExitCodeOf(merged.run, options.require);
}

}  // namespace

void AddMergeVerb(CLI::App& app, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<MergeOptions>();
  CLI::App* verb = app.add_subcommand(
      "merge", "one run out of all its shards; exits as that run would have");
  verb->add_option("runs", o->runs,
                   "run.json of each shard, or its folder; or what validate "
                   "--format=json wrote of each host, for one table")
      ->required()
      ->option_text("RUN…");
  verb->add_option("--into", o->into, "folder for the merged run.json")
      ->capture_default_str();
  AddFormatOption(*verb, o->format);
  verb->add_flag("--require", o->require, "a skip is a failure (exit 1)");
  verb->callback(
      [o, command, &exit_code] { exit_code = MergeVerb(*o, command); });
}

}  // namespace oomgate
