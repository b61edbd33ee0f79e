// SPDX-License-Identifier: Apache-2.0
// oomgate run: its options, its report, its exit code.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runner/cli.h"
#include "runner/error.h"
#include "runner/exit_code.h"
#include "runner/report/human.h"
#include "runner/report/json_report.h"
#include "runner/run_cases.h"

namespace oomgate {
namespace {

struct VerbOptions {
  RunOptions run;
  // An empty text, of a variable that was not set, is not all.
  std::optional<std::string> shard = {};
  std::optional<int> shards = {};
  std::string format = "human";
  bool require = false;
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

// The instruction clock is a guest's, and TCG's.
void CheckClock(RunOptions& options) {
  if (options.clock != Clock::kInstructions) return;
  options.guest_wanted = true;
  if (options.accel == "kvm") {
    throw UserError(
        "--clock=instructions with --accel=kvm: only TCG counts instructions");
  }
  if (options.cpus.value_or(1) > 1) {
    throw UserError(
        "--clock=instructions with --cpus: the instruction clock knows one");
  }
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// Tells Bazel and GoogleTest's own launchers that shards are understood.
void AcknowledgeShard() {
  for (const char* name :
       {"TEST_SHARD_STATUS_FILE", "GTEST_SHARD_STATUS_FILE"}) {
    const auto file = Variable(name);
    if (file && !std::ofstream(*file, std::ios::app)) {
      throw UserError(std::string(name) + "=" + *file + ": cannot be written");
    }
  }
}

void ChooseShard(VerbOptions& options) {
  if (!options.shard) return;
  options.run.shard = WhichShard(*options.shard, options.shards, Variable);
  if (options.shard == "auto") AcknowledgeShard();
  options.run.conditions = options.to_repeat;
  // What ran says more than how it was called here.
  std::erase_if(options.run.conditions, [](const std::string& option) {
    return option.starts_with("--kernel");
  });
  options.run.conditions.push_back("--on=" + options.run.on);
}

int RunVerb(const VerbOptions& options) {
  const std::unique_ptr<Report> report = MakeReport(options);
  const RunDone done = RunCases(options.run, *report);
  return ExitCodeOf(done.run, options.require);
}

}  // namespace

void AddRunVerb(CLI::App& app, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<VerbOptions>();
  RunOptions& r = o->run;
  r.command = command;
  CLI::App* verb = app.add_subcommand("run", "run cases");
  verb->add_option("patterns", r.patterns,
                   "ids, globs or instance names; default: all but meta/*");
  AddSuiteOption(*verb, r.suite);
  verb->add_option("--on", r.on,
                   "host, cgroup, vm with commas between, or auto")
      ->capture_default_str();
  // These mean a guest where --on does not say otherwise.
  std::vector<CLI::Option*> shape;
  std::vector<CLI::Option*> repeat;
  shape.push_back(verb->add_option(
      "--kernel", r.kernel,
      "release or its beginning (6.1), debian:SERIES, or a file or folder"));
  shape.push_back(verb->add_option("--memory", r.memory, "RAM of guests"));
  shape.push_back(verb->add_option("--swap", r.swap, "swap of guests"));
  shape.push_back(verb->add_option("--swap-device", r.swap_device,
                                   "what guests swap to: virtio, or zram, the "
                                   "default under the instruction clock")
                      ->check(CLI::IsMember({"virtio", "zram"})));
  shape.push_back(verb->add_option("--cpus", r.cpus, "CPUs of guests")
                      ->check(CLI::Range(1, 64)));
  shape.push_back(verb->add_option("--nodes", r.nodes, "their NUMA nodes")
                      ->check(CLI::Range(1, 4)));
  shape.push_back(
      verb->add_option("--cgroup", r.cgroup,
                       "version of the memory controller in guests: 1 or 2")
          ->check(CLI::Range(1, 2)));
  shape.push_back(verb->add_option("--append", r.append,
                                   "more for the guests' kernel command line"));
  shape.push_back(verb->add_option("--accel", r.accel, "auto, kvm or tcg")
                      ->check(CLI::IsMember({"auto", "kvm", "tcg"})));
  shape.push_back(verb->add_flag(
      "--cold", r.cold, "boot every guest instead of restoring a saved one"));
  CLI::Option* const clock =
      verb->add_option("--clock", r.clock,
                       "of guests: wall, or instructions: slower, on one CPU, "
                       "but what costs is counted without noise")
          ->transform(CLI::CheckedTransformer(std::map<std::string, Clock>{
              {"wall", Clock::kWall}, {"instructions", Clock::kInstructions}}))
          ->option_text("CLOCK");
  verb->add_option("--jobs", r.jobs, "guests at the same time")
      ->check(CLI::Range(1, 1024));
  repeat = shape;
  repeat.push_back(clock);
  repeat.push_back(verb->add_option("--timeout", r.timeout,
                                    "seconds per instance; default: the case's")
                       ->check(CLI::Range(1, 86400)));
  repeat.push_back(
      verb->add_flag("--invert", r.invert,
                     "expect each oracle's negation: proves that it can fail"));
  verb->add_flag("--require", o->require, "a skip is a failure (exit 1)");
  verb->add_flag("--keep", r.keep, "keep what guests were started from");
  verb->add_option("--results", r.results, "folder for the run's folder")
      ->capture_default_str();
  AddFormatOption(*verb, o->format);
  CLI::Option* const shard =
      verb->add_option("--shard", o->shard,
                       "only this part of the instances: 2/4; or auto: as the "
                       "engine that started this says by its variables")
          ->option_text("I/N");
  verb->add_option("--shards", o->shards,
                   "how many shards there are, where the engine does not say")
      ->check(CLI::Range(1, kMostShards))
      ->needs(shard);
  AddDurationsOption(*verb, r.durations)->needs(shard);
  verb->callback([o, shape, repeat, &exit_code] {
    o->run.guest_wanted = std::ranges::any_of(
        shape, [](const CLI::Option* option) { return option->count() > 0; });
    CheckClock(o->run);
    for (const CLI::Option* option : repeat) {
      if (option->count() == 0) continue;
      o->to_repeat.push_back(option->get_name() +
                             (option->get_items_expected_max() == 0
                                  ? ""
                                  : "=" + option->results().back()));
    }
    ChooseShard(*o);
    exit_code = RunVerb(*o);
  });
}

}  // namespace oomgate
