// SPDX-License-Identifier: Apache-2.0
// oomgate bisect: which commit, package, option or setting changed a verdict.
#include <functional>
#include <memory>
#include <string>

#include "runner/bisect/config.h"
#include "runner/bisect/packages.h"
#include "runner/bisect/settings.h"
#include "runner/bisect/step.h"
#include "runner/bisect/trial.h"
#include "runner/cli.h"
#include "runner/compare_options.h"
#include "runner/error.h"
#include "runner/run_options.h"

namespace oomgate {
namespace {

CLI::Option* AddInstance(CLI::App& verb, RunOptions& run) {
  return verb.add_option("instance", run.patterns, "ID, or ID[params] of one")
      ->required()
      ->expected(1)
      ->option_text("ID[params]");
}

void CheckCost(StepOptions& options) {
  if (options.metric.empty()) {
    if (options.baseline.empty() && options.worse_than == 0) return;
    throw UserError(
        "--baseline and --worse-than are about a cost: say which, --metric");
  }
  if (options.baseline.empty()) {
    throw UserError(
        "--metric without --baseline: name the run.json or baseline of a good "
        "kernel, made with --clock=instructions");
  }
  if (options.run.clock != Clock::kInstructions) {
    options.to_repeat.emplace_back("--clock=instructions");
  }
  options.run.clock = Clock::kInstructions;
}

void AddStep(CLI::App& bisect, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<StepOptions>();
  o->run.command = command;
  CLI::App* verb = bisect.add_subcommand(
      "step", "for git bisect run: builds, runs, exits with 0, 1, 125 or 255");
  AddInstance(*verb, o->run);
  const AddedRunOptions added = AddRunOptions(*verb, o->run);
  o->run.results = "results/bisect";
  verb->get_option("--kernel")
      ->required()
      ->description("the file or build tree that holds the kernel")
      ->option_text("FILE");
  verb->get_option("--results")
      ->description("folder for the log, and for what the steps leave")
      ->default_str(o->run.results);
  verb->add_option("--build", o->build, "command that builds it, for sh")
      ->option_text("COMMAND");
  verb->add_option("--build-timeout", o->build_seconds, "seconds")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  verb->add_option("--confirm", o->confirm,
                   "times more that it must answer the same")
      ->check(CLI::Range(0, 100))
      ->option_text("N");
  verb->add_option("--metric", o->metric, "a cost decides, not the verdict");
  verb->add_option_function<std::string>(
          "--worse-than",
          [o](const std::string& text) {
            o->worse_than = ShareFrom("--worse-than", text);
          },
          "by how much it must be worse than in the baseline; default: 2%")
      ->option_text("SHARE");
  verb->add_option("--baseline", o->baseline,
                   "run.json or baseline of a good kernel");
  verb->callback([o, added, &exit_code] {
    o->to_repeat = CompleteRunOptions(added, o->run);
    CheckCost(*o);
    if (!o->metric.empty() && o->worse_than == 0) o->worse_than = .02;
    try {
      exit_code = ExitCodeOf(BisectStep(*o));
    } catch (const Interrupted&) {
      exit_code = kExitInterrupted;
    }
  });
}

// What the searches between two ends have in common.
AddedRunOptions AddSearch(CLI::App& verb, SearchOptions& o,
                          const std::string& command) {
  o.run.command = command;
  AddInstance(verb, o.run);
  AddedRunOptions added = AddRunOptions(verb, o.run);
  verb.get_option("--results")
      ->description(
          "folder for the log, and for what the steps leave; that of an "
          "interrupted one is gone on with")
      ->default_str("results/bisect/TIME");
  verb.add_option("--confirm", o.confirm,
                  "times more that each step must answer the same")
      ->check(CLI::Range(0, 100))
      ->option_text("N");
  verb.add_option("--metric", o.metric,
                  "a metric or value decides, by the end that it is nearer "
                  "to, not the verdict");
  return added;
}

// `repeat`: nothing of what the search itself varies.
void CompleteSearch(const CLI::App& verb, const AddedRunOptions& added,
                    SearchOptions& o) {
  o.to_repeat = CompleteRunOptions(added, o.run);
  if (verb.get_option("--results")->count() == 0) {
    o.run.results = NewBisectFolder("results/bisect");
  }
}

int ExitAfter(const std::function<void()>& search) {
  try {
    search();
    return kExitOk;
  } catch (const Interrupted&) {
    return kExitInterrupted;
  }
}

void AddSettings(CLI::App& bisect, int& exit_code, const std::string& command) {
  struct Options : SearchOptions {
    std::string good;
    std::string bad;
  };
  const auto o = std::make_shared<Options>();
  CLI::App* verb = bisect.add_subcommand(
      "settings", "the fewest settings that change what a case does");
  const AddedRunOptions added = AddSearch(*verb, *o, command);
  verb->get_option("instance")
      ->expected(1, -1)
      ->description("instances, one search each");
  verb->add_option("--good", o->good,
                   "'vm.swappiness=10 thp=always cmdline:slab_nomerge'; '': as "
                   "the kernel has them")
      ->required()
      ->option_text("SETTINGS");
  verb->add_option("--bad", o->bad, "likewise")
      ->required()
      ->option_text("SETTINGS");
  verb->callback([o, verb, added, &exit_code] {
    CompleteSearch(*verb, added, *o);
    exit_code = ExitAfter([&] { BisectSettings(*o, o->good, o->bad); });
  });
}

void AddPackages(CLI::App& bisect, int& exit_code, const std::string& command) {
  struct Options : SearchOptions {
    std::string good;
    std::string bad;
  };
  const auto o = std::make_shared<Options>();
  CLI::App* verb = bisect.add_subcommand(
      "packages", "between which of the distribution's kernels it changed");
  const AddedRunOptions added = AddSearch(*verb, *o, command);
  verb->add_option("--good", o->good, "debian:6.1, debian:RELEASE")
      ->required()
      ->option_text("KERNEL");
  verb->add_option("--bad", o->bad, "likewise, or debian:newest")
      ->required()
      ->option_text("KERNEL");
  verb->callback([o, verb, added, &exit_code] {
    CompleteSearch(*verb, added, *o);
    exit_code = ExitAfter([&] { BisectPackages(*o, o->good, o->bad); });
  });
}

void AddConfig(CLI::App& bisect, int& exit_code, const std::string& command) {
  const auto o = std::make_shared<ConfigSearchOptions>();
  CLI::App* verb = bisect.add_subcommand(
      "config", "the fewest options of a kernel that change what a case does");
  const AddedRunOptions added = AddSearch(*verb, *o, command);
  verb->add_option("--good", o->good, "a .config; completed by olddefconfig")
      ->required()
      ->check(CLI::ExistingFile)
      ->option_text("FILE");
  verb->add_option("--bad", o->bad, "likewise")
      ->required()
      ->check(CLI::ExistingFile)
      ->option_text("FILE");
  verb->add_option("--source", o->source,
                   "the kernel's source; nothing is written into it")
      ->required()
      ->option_text("TREE");
  verb->add_option("--build-timeout", o->build_seconds, "seconds for each")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  verb->callback([o, verb, added, &exit_code] {
    CompleteSearch(*verb, added, *o);
    exit_code = ExitAfter([&] { BisectConfig(*o); });
  });
}

}  // namespace

void AddBisectVerb(CLI::App& app, int& exit_code, const std::string& command) {
  CLI::App* bisect = app.add_subcommand(
      "bisect", "which commit, package or setting changed a verdict");
  bisect->require_subcommand(1);
  AddStep(*bisect, exit_code, command);
  AddSettings(*bisect, exit_code, command);
  AddPackages(*bisect, exit_code, command);
  AddConfig(*bisect, exit_code, command);
}

}  // namespace oomgate
